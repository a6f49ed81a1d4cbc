const BLOCK_BYTES = 8192;

/** What arrives from the client at once. */
export interface Piece {
  readonly bytes: number;
  readonly isLast: boolean;
}

interface PlainAttempt {
  /** It asks to wait when it has had so much since it last went on. */
  readonly appetite: number;
  had: number;
  got: number;
  hasEnd: boolean;
  isPaused: boolean;
  isLive: boolean;
}

/** The rules once more: an attempt has had what the client sent so far, from the beginning, unless it asked to wait. */
export class PlainReplay {
  readonly length: number;
  readonly #limitBytes: number;
  readonly #room: () => number;
  arrived = 0;
  hasAllArrived = false;
  taken = 0;
  isEnded = false;
  isForgotten = false;
  obstacle: string | null = null;
  attempt: PlainAttempt | null = null;
  readonly #pieces: Piece[] = [];

  /** `room`: what the pool has left for this one. */
  constructor(length: number, limitBytes: number, room: () => number) {
    this.length = length;
    this.#limitBytes = limitBytes;
    this.#room = room;
  }

  get isReplayable(): boolean {
    return this.obstacle === null && !this.isForgotten;
  }

  get isStarved(): boolean {
    return this.attempt?.isLive === true && !this.attempt.isPaused && !this.isEnded;
  }

  /** The memory that its record takes: a first block as long as the content is said to be, then others. */
  get heldBytes(): number {
    if (!this.isReplayable || this.taken === 0) return 0;
    const first = this.length > 0 ? Math.min(this.length, this.#limitBytes) : BLOCK_BYTES;
    return first + Math.ceil(Math.max(0, this.taken - first) / BLOCK_BYTES) * BLOCK_BYTES;
  }

  arrives(piece: Piece): void {
    this.arrived += piece.bytes;
    this.hasAllArrived = piece.isLast;
    this.#pieces.push(piece);
    this.#flow();
  }

  attach(appetite: number): void {
    this.attempt = { appetite, had: 0, got: 0, hasEnd: false, isPaused: false, isLive: false };
    this.#feed(this.taken);
    this.#flow();
  }

  detach(): void {
    this.attempt = null;
  }

  pause(): void {
    if (this.attempt !== null) this.attempt.isPaused = true;
  }

  resume(): void {
    if (this.attempt === null) return;
    this.attempt.isPaused = false;
    this.attempt.had = 0;
    this.#flow();
  }

  #flow(): void {
    const attempt = this.attempt;
    if (attempt === null || attempt.isPaused) return;
    attempt.isLive = !this.isEnded || attempt.isLive;
    while (!attempt.isPaused && this.#pieces.length > 0) {
      const { bytes, isLast } = this.#pieces.shift()!;
      this.taken += bytes;
      this.#limit();
      this.#feed(bytes);
      this.isEnded = isLast;
      attempt.hasEnd = isLast;
    }
    attempt.hasEnd = this.isEnded;
  }

  #feed(bytes: number): void {
    if (bytes === 0) return;
    const attempt = this.attempt!;
    attempt.got += bytes;
    attempt.had += bytes;
    if (attempt.had >= attempt.appetite) attempt.isPaused = true;
  }

  #limit(): void {
    if (!this.isReplayable) return;
    if (this.taken > this.#limitBytes) this.obstacle = 'body_too_large';
    else if (this.heldBytes > this.#room()) this.obstacle = 'replay_full';
  }
}
