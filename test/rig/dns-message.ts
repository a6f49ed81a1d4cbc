/** The message format of RFC 1035, section 4, as far as a name server of the tests needs it. */

export type QuestionType = 'A' | 'AAAA' | 'SRV';

export interface Question {
  /** In lower case, without a dot at its end. */
  readonly name: string;
  readonly type: QuestionType;
}

export type DnsRecord = { readonly name: string; readonly ttlSeconds: number } & (
  | { readonly type: 'A' | 'AAAA' | 'CNAME'; readonly data: string }
  | {
      readonly type: 'SRV';
      readonly data: {
        readonly priority?: number;
        readonly weight?: number;
        readonly port: number;
        readonly target: string;
      };
    }
);

export interface AnswerParts {
  readonly id: number;
  readonly question: Question;
  readonly rcode: number;
  readonly records?: readonly DnsRecord[];
  readonly isTruncated?: boolean;
}

const typeCodes = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 } as const;
const CLASS_IN = 1;
/** A response, recursion desired and available. */
const RESPONSE_FLAGS = 0x8180;
const TRUNCATED_FLAG = 0x0200;

const uint16 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
};

export const parseQuestion = (message: Buffer): Question & { readonly id: number } => {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  const code = message.readUInt16BE(at + 1);
  const type = code === typeCodes.SRV ? 'SRV' : code === typeCodes.AAAA ? 'AAAA' : 'A';
  return { id: message.readUInt16BE(0), name: labels.join('.'), type };
};

export const buildAnswer = ({ id, question, rcode, records = [], isTruncated }: AnswerParts): Buffer => {
  const flags = RESPONSE_FLAGS + rcode + (isTruncated === true ? TRUNCATED_FLAG : 0);
  return Buffer.concat([
    uint16(id, flags, 1, records.length, 0, 0),
    nameBytes(question.name),
    uint16(typeCodes[question.type], CLASS_IN),
    ...records.map(recordBytes),
  ]);
};

const recordBytes = (record: DnsRecord): Buffer => {
  const data = dataBytes(record);
  const ttl = Buffer.alloc(4);
  ttl.writeUInt32BE(record.ttlSeconds);
  return Buffer.concat([
    nameBytes(record.name),
    uint16(typeCodes[record.type], CLASS_IN),
    ttl,
    uint16(data.length),
    data,
  ]);
};

const dataBytes = (record: DnsRecord): Buffer => {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.data.split('.').map(Number));
    case 'AAAA':
      return ipv6Bytes(record.data);
    case 'CNAME':
      return nameBytes(record.data);
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = record.data;
      return Buffer.concat([uint16(priority, weight, port), nameBytes(target)]);
    }
  }
};

/** Labels with their lengths, uncompressed. The root is `.` or nothing. */
const nameBytes = (name: string): Buffer => {
  const labels = name.split('.').filter((label) => label !== '');
  const parts = labels.map((label) =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
  );
  return Buffer.concat([...parts, Buffer.from([0])]);
};

const ipv6Bytes = (address: string): Buffer => {
  const [before = '', after = ''] = address.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === '' ? [] : after.split(':');
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
};
