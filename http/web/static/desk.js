// What the web desk's pages do besides htmx: times in the reader's zone, what happens meanwhile, and the answer form.
(() => {
  const lang = document.documentElement.lang;
  const clock = new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short' });
  const localise = root => {
    for (const time of root.querySelectorAll('time[datetime]')) {
      const at = new Date(time.dateTime);
      if (time.hasAttribute('data-clock')) time.textContent = clock.format(at);
      else time.title = clock.format(at);
    }
  };
  const atEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - 80;
  const toEnd = () => scrollTo(0, document.documentElement.scrollHeight);
  localise(document);

  const page = document.querySelector('[data-stream]');
  const latest = document.getElementById('latest');
  if (!page || !latest) return;
  toEnd();
  const changed = () => htmx.trigger(latest, 'changed');
  const open = () => {
    const source = new EventSource(page.dataset.stream);
    source.addEventListener('changed', changed);
    source.addEventListener('open', () => {
      changed(); // what happened between the page and its stream
      page.dataset.live = 'true';
    });
    // Browsers try again by themselves only when a connection breaks, not after an answer such as 502 or 429.
    source.addEventListener('error', () => {
      delete page.dataset.live;
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { changed(); open(); }, 5000);
    });
    addEventListener('pagehide', () => source.close(), { once: true });
  };
  open();
  addEventListener('pageshow', event => { if (event.persisted) open(); });

  let follow = false;
  latest.addEventListener('htmx:beforeSwap', () => { follow = atEnd(); });
  document.body.addEventListener('htmx:afterSwap', event => {
    localise(event.target.parentElement || document);
    if (event.target === latest && follow) toEnd();
  });

  const refused = document.getElementById('refused');
  document.body.addEventListener('htmx:afterRequest', event => {
    const form = event.target.closest('form');
    if (!form) return;
    const good = event.detail.successful;
    refused.hidden = good;
    refused.textContent = good ? '' : event.detail.xhr.responseText.slice(0, 300) || String(event.detail.xhr.status || '…');
    if (!good) return;
    if (form.id === 'answer') {
      form.elements.text.value = '';
      // The next answer is another one, not this one again.
      form.elements.form.value = [...crypto.getRandomValues(new Uint8Array(16))].map(n => n.toString(16).padStart(2, '0')).join('');
      form.elements.text.focus();
    }
    changed();
  });
  document.getElementById('answer')?.elements.text.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
})();
