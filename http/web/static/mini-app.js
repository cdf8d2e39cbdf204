// Signs in with what Telegram has put into the address of a Mini App, when its button is pressed: anybody can make a link to this page
// with what Telegram has signed for them, and whoever follows it must not be signed in as somebody else.
(() => {
  const page = document.querySelector('[data-sign-in]'), said = page.querySelector('[role=status]'), open = page.querySelector('button');
  const data = new URLSearchParams(location.hash.slice(1)).get('tgWebAppData');
  history.replaceState(null, '', location.pathname); // it is a secret
  if (!data) { said.textContent = page.dataset.how; return; }
  const nameIn = data => {
    const user = JSON.parse(new URLSearchParams(data).get('user'));
    return [user.first_name, user.last_name].filter(Boolean).join(' ').trim() || user.username || String(user.id);
  };
  let name;
  try { name = nameIn(data); } catch { said.textContent = page.dataset.how; return; } // nothing of Telegram's
  open.textContent = page.dataset.as.replace('{name}', () => '\u2068' + name + '\u2069'); // isolated, as its direction may differ
  open.hidden = false;
  open.addEventListener('click', async () => {
    open.disabled = true; // what is signed works once
    said.textContent = page.dataset.asking;
    try {
      const answer = await fetch(location.pathname, { method: 'POST', headers: { 'HX-Request': 'true' }, body: new URLSearchParams({ data }) });
      if (answer.ok) { location.replace('/'); return; }
      said.textContent = answer.headers.get('Content-Type')?.startsWith('text/plain') && await answer.text() || page.dataset.failed;
      if (answer.status === 403) { open.hidden = true; return; } // pressing it again would not help
    } catch { said.textContent = page.dataset.failed; }
    open.disabled = false;
  });
})();
