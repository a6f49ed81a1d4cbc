/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
const byId = (id, type) => {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`no ${id}`);
  return element;
};

const form = byId('form', HTMLFormElement);
const token = byId('token', HTMLInputElement);
const reveal = byId('reveal', HTMLButtonElement);
const submit = byId('submit', HTMLButtonElement);
const problem = byId('problem', HTMLElement);

/** @param {string} text */
const show = (text) => {
  problem.textContent = text;
  token.setAttribute('aria-invalid', String(text !== ''));
};

/** @param {Response} response */
const detailOf = async (response) => {
  try {
    return String((await response.json()).detail);
  } catch {
    return `The sidecar answered ${response.status}`;
  }
};

const signIn = async () => {
  submit.disabled = true;
  try {
    const response = await fetch('/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Outrigger-Admin': '1' },
      body: JSON.stringify({ token: token.value.trim() }),
    });
    if (response.ok) {
      location.reload();
      return;
    }
    show(await detailOf(response));
    token.select();
  } catch {
    show('The sidecar cannot be reached. Is it still running, and the port-forward too?');
  }
  submit.disabled = false;
};

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void signIn();
});

reveal.addEventListener('click', () => {
  const isShown = token.type === 'password';
  token.type = isShown ? 'text' : 'password';
  reveal.textContent = isShown ? 'Hide' : 'Show';
  reveal.setAttribute('aria-pressed', String(isShown));
});

token.focus();

// Who followed a link from another site comes without the cookie, and may be signed in all the same.
const session = await fetch('/session').catch(() => null);
if (session?.ok) location.reload();
