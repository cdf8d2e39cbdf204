// What the web desk's pages do besides htmx: times in the reader's zone, what happens meanwhile, files, and what is being written.
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
  const byID = id => document.getElementById(id);
  const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map(n => n.toString(16).padStart(2, '0')).join('');
  document.documentElement.classList.add('js');
  localise(document);
  try { // what another person has written in this tab is theirs
    const me = document.body.dataset.me;
    if (me && sessionStorage.getItem('me') !== me) { sessionStorage.clear(); sessionStorage.setItem('me', me); }
  } catch { /* not allowed: then nothing is kept */ }
  document.querySelector('form[action="/sign-out"]')?.addEventListener('submit', () => sessionStorage.clear());

  const reveal = event => {
    const spoiler = event.target.closest?.('.spoiler');
    if (!spoiler || event.type === 'keydown' && event.key !== 'Enter' && event.key !== ' ') return;
    if (!spoiler.classList.contains('shown')) event.preventDefault(); // a link within is followed only once it is seen
    spoiler.classList.add('shown');
    for (const name of ['role', 'tabindex', 'aria-label']) spoiler.removeAttribute(name);
  };
  document.addEventListener('click', reveal);
  document.addEventListener('keydown', reveal);

  // ---- what happens meanwhile. Nothing is asked for while nobody looks: it is made up for when they do.
  let missed = null;
  const looking = act => {
    if (document.hidden) missed = act;
    return !document.hidden;
  };
  // A stream only says that something has changed. It ends while the page is hidden, since browsers open few connections to one host.
  const listen = (page, address, changed) => {
    const note = byID('offline');
    let source = null, later = 0, doubt = 0;
    const lost = () => {
      delete page.dataset.live;
      doubt ||= setTimeout(() => { note.textContent = note.dataset.text; }, 2000);
    };
    const calm = () => {
      clearTimeout(doubt);
      doubt = 0;
      note.textContent = '';
    };
    const begin = () => {
      clearTimeout(later);
      if (source || document.hidden) return;
      const mine = source = new EventSource(address);
      mine.addEventListener('changed', changed);
      mine.addEventListener('open', () => {
        calm();
        page.dataset.live = 'true';
        changed(); // what happened between the page and its stream
      });
      // Browsers try again by themselves only when a connection breaks, not after an answer such as 502 or 429.
      mine.addEventListener('error', () => {
        if (mine !== source) return;
        lost();
        if (mine.readyState !== EventSource.CLOSED) return;
        source = null;
        later = setTimeout(() => { changed(); begin(); }, 5000);
      });
    };
    const end = () => {
      clearTimeout(later);
      calm();
      source?.close();
      source = null;
      delete page.dataset.live;
    };
    document.addEventListener('visibilitychange', () => {
      clearTimeout(later);
      if (document.hidden) later = setTimeout(end, 2000);
      else begin();
      if (!document.hidden && missed) missed();
      missed = null;
    });
    addEventListener('pagehide', end);
    addEventListener('pageshow', event => { if (event.persisted) begin(); });
    begin();
  };

  // ---- the inbox: what changes appears in place at the top, and behind a button for who reads further down
  try { document.cookie = 'tz=' + Intl.DateTimeFormat().resolvedOptions().timeZone + '; path=/; max-age=31536000; samesite=lax'; } catch { /* then days are those of UTC */ }
  const inbox = document.querySelector('[data-inbox]');
  if (inbox) {
    const newer = byID('newer');
    let next = null, asking = false, again = false, whole = false, waiting = 0, pause = 1000;
    // What the page has already is not sent again: the address names what its rows show, and the answer has those without content.
    const known = () => {
      const asked = new URL(location.href);
      if (!whole) asked.searchParams.set('have', [...byID('rows').querySelectorAll('li')].map(li => li.dataset.shown).join('.'));
      whole = false;
      return asked;
    };
    const fill = rows => {
      for (const li of rows.querySelectorAll('[data-same]')) {
        const is = byID(li.id);
        if (is?.dataset.shown !== li.dataset.shown) return false; // it was renewed meanwhile
        li.replaceWith(is.cloneNode(true));
      }
      return true;
    };
    const show = () => {
      byID('rows').replaceWith(next);
      localise(next);
      next = null;
      newer.hidden = true;
    };
    // Until Telegram has said of all groups whether the person belongs to them, the list is asked for again.
    const complete = rows => {
      clearTimeout(waiting);
      if (!rows.hasAttribute('data-partly')) { pause = 1000; return; }
      waiting = setTimeout(look, pause);
      pause = Math.min(pause * 2, 30000);
    };
    const regroup = groups => {
      const is = byID('groups');
      if (!groups || is.innerHTML === groups.innerHTML || is === document.activeElement) return;
      const chosen = is.value;
      is.replaceWith(groups);
      if ([...groups.options].some(option => option.value === chosen)) groups.value = chosen;
    };
    const look = async () => {
      if (!looking(look)) return;
      if (asking) { again = true; return; }
      asking = true;
      again = false;
      try {
        const answer = await fetch(known(), { headers: { 'HX-Request': 'true' } });
        if (answer.ok) {
          const doc = new DOMParser().parseFromString(await answer.text(), 'text/html'), rows = doc.getElementById('rows');
          if (!rows) { location.reload(); return; } // nobody is signed in any more
          if (fill(rows)) next = rows;
          else again = whole = true;
          regroup(doc.getElementById('groups'));
        }
      } catch { /* the stream opens again, and asks again */ }
      asking = false;
      complete(next || byID('rows'));
      if (next) {
        const list = byID('rows');
        const count = [...next.querySelectorAll('li')].filter(li => byID(li.id)?.dataset.rev !== li.dataset.rev).length;
        if (!next.hasAttribute('data-partly')) list.querySelector('.partly')?.remove();
        if (scrollY < 80 && !list.contains(document.activeElement)) show();
        else if (count) {
          newer.textContent = inbox.dataset.new.replace('{count}', count);
          newer.hidden = false;
        }
      }
      if (again) look();
    };
    newer.addEventListener('click', () => { if (next) show(); scrollTo(0, 0); byID('rows').querySelector('a')?.focus(); });
    if (inbox.dataset.inbox) listen(inbox, inbox.dataset.inbox, look);
    complete(byID('rows'));
    return;
  }

  const page = document.querySelector('[data-stream]');
  const latest = byID('latest');
  if (!page || !latest) return;
  const atEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - 80;
  const toEnd = () => scrollTo(0, document.documentElement.scrollHeight);
  let following = true; // the reader is at the end: pictures that come later move it
  addEventListener('scroll', () => { following = atEnd(); }, { passive: true });
  latest.addEventListener('load', () => { if (following) toEnd(); }, true);

  // ---- only what differs is replaced, so nothing moves under who reads or writes.
  const fresh = el => { localise(el); htmx.process(el); };
  let skipped = false; // something waits until nobody uses it
  let acted = null; // what has the focus since its form was sent
  const called = el => [el.tagName, el.name, el.closest('form')?.getAttribute('action')].join(' ');
  const renew = (id, doc) => {
    const is = byID(id), next = doc.getElementById(id), focused = document.activeElement;
    if (!is || !next || is.dataset.rev === next.dataset.rev) return;
    const used = is.contains(focused);
    if (used && id !== 'composer' && focused !== acted) { skipped = true; return; } // nothing can be written any more, or again: that can't wait
    const open = [...is.querySelectorAll('details[open] > summary')].map(summary => summary.textContent);
    if (id === 'composer') for (const xhr of uploading) xhr.abort();
    is.replaceWith(next);
    if (id === 'heading') document.title = next.querySelector('h1').textContent + ' · Topicdesk';
    for (const summary of next.querySelectorAll('details > summary')) if (open.includes(summary.textContent)) summary.parentElement.open = true;
    if (used) {
      const same = [...next.querySelectorAll('button, input, select')].find(el => called(el) === called(focused));
      (next.querySelector('textarea') || same || next.querySelector('summary') || next).focus({ preventScroll: true });
      if (focused === acted) acted = document.activeElement;
    }
    fresh(next);
  };
  let unseen = 0;
  const showUnseen = () => {
    const newer = byID('newer');
    if (!newer) return;
    newer.hidden = unseen === 0;
    newer.textContent = page.dataset.new.replace('{count}', unseen);
  };
  const sequenceOf = article => Number(article.id.slice(1)); // 0: it is none
  const merge = doc => {
    const next = doc.getElementById('latest'), follow = atEnd(), kept = new Set();
    if (!next) return;
    const ranges = (next.dataset.kept || '').split(' ').filter(Boolean).map(range => range.split('-').map(Number));
    const isKept = n => ranges.some(([from, to]) => n >= from && n <= (to || from));
    for (const el of latest.children) if (isKept(sequenceOf(el))) kept.add(el);
    let added = 0;
    for (const article of [...next.children]) {
      let el = article.id ? byID(article.id) : null;
      if (!el) {
        const after = [...latest.children].find(other => sequenceOf(other) > sequenceOf(article));
        after ? after.before(article) : latest.append(article);
        fresh(el = article);
        if (el.id) added++;
      } else if (el.dataset.rev !== article.dataset.rev) {
        el.replaceWith(article);
        fresh(el = article);
      } else if (article.dataset.version) el.dataset.version = article.dataset.version;
      else delete el.dataset.version;
      kept.add(el);
    }
    for (const el of [...latest.children]) if (!kept.has(el)) el.remove();
    latest.dataset.context = next.dataset.context;
    for (const id of ['heading', 'actions', 'composer']) renew(id, doc);
    compose();
    if (follow) toEnd();
    else unseen += added;
    showUnseen();
  };
  // What the page has already is not sent again: the address names the versions of its messages by their sequence (1*40,3,0: forty
  // times 1, a 3, and one that is missing or may change yet), what they were shown in, and the rest by its revision.
  const known = () => {
    const asked = new URLSearchParams({ after: page.dataset.after }), runs = [];
    let next = Math.max(0, page.dataset.after) + 1;
    const push = (version, times) => {
      const last = runs.at(-1);
      if (last?.[0] === version) last[1] += times;
      else if (times > 0) runs.push([version, times]);
    };
    for (const el of latest.children) {
      const n = sequenceOf(el);
      if (!(n >= next)) continue;
      push('0', n - next);
      push(el.dataset.version || '0', 1);
      next = n + 1;
    }
    asked.set('have', runs.map(([version, times]) => times > 1 ? version + '*' + times : version).join(','));
    if (latest.dataset.context && asked.get('have').length < 3000) asked.set('context', latest.dataset.context);
    else asked.delete('have'); // an address has its limits
    asked.set('rev', byID('heading').dataset.rev + '.' + byID('actions').dataset.rev);
    return page.dataset.part + '?' + asked;
  };
  let busy = false, again = false, waiting = 0, pause = 1000;
  const update = async () => {
    if (!looking(update)) return;
    if (busy) { again = true; return; }
    busy = true;
    clearTimeout(waiting);
    try {
      const answer = await fetch(known(), { headers: { 'HX-Request': 'true' } });
      if ([401, 404].includes(answer.status) || answer.headers.has('HX-Refresh')) { location.reload(); return; }
      if (answer.ok) merge(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    } catch { /* the stream opens again, and asks again */ }
    busy = false;
    if (again) { again = false; update(); return; }
    // No event tells that a copy has arrived, so what waits is looked at again: soon, then less and less often.
    if (!latest.querySelector('[data-pending]')) { pause = 1000; return; }
    waiting = setTimeout(update, pause);
    pause = Math.min(pause * 2, 30000);
  };
  const changed = () => { pause = 1000; update(); };
  document.addEventListener('input', () => { acted = null; }); // who goes on to type keeps what is typed
  document.addEventListener('focusout', () => { if (skipped) { skipped = false; setTimeout(update); } });
  addEventListener('scroll', () => { if (unseen && atEnd()) { unseen = 0; showUnseen(); } }, { passive: true });
  document.addEventListener('click', event => { if (event.target.id === 'newer') { toEnd(); byID('answer')?.elements.text.focus(); } });
  document.body.addEventListener('htmx:afterSwap', event => localise(event.target.parentElement || document));

  // ---- answers and commands
  const say = text => {
    const refused = byID('refused');
    refused.hidden = !text;
    refused.textContent = text;
  };
  document.body.addEventListener('htmx:afterRequest', event => {
    const form = event.target.closest('form'), xhr = event.detail.xhr;
    if (!form || event.detail.requestConfig?.verb === 'get') return;
    const good = event.detail.successful && xhr.status !== 202; // 202: Telegram is being asked
    say(good ? '' : xhr.responseText.slice(0, 300) || page.dataset.failed);
    if (!good) return;
    if (form.id === 'answer') {
      form.elements.text.value = '';
      if (form.elements.note) form.elements.note.checked = false;
      for (const chip of [...byID('files').children]) if (chip.querySelector('input')) chip.remove(); // others are on their way
      form.elements.form.value = random(); // the next answer is another one, not this one again
      remember();
      noted();
      form.elements.text.focus();
      toEnd();
    } else {
      acted = document.activeElement;
      const done = byID('done');
      done.hidden = false;
      setTimeout(() => { done.hidden = true; }, 4000);
    }
    noteUploads();
    changed();
  });
  document.body.addEventListener('htmx:configRequest', event => { // Ctrl+Enter, while a file is on its way
    if (event.target.id === 'answer' && uploading.size) event.preventDefault();
  });

  // ---- what is being written survives a reload, in this tab
  const key = 'draft:' + location.pathname;
  const remember = () => {
    const form = byID('answer');
    try {
      const files = [...byID('files').querySelectorAll('input')].map(input => [input.parentElement.firstChild.textContent, input.value]);
      if (form.elements.text.value || files.length) {
        sessionStorage.setItem(key, JSON.stringify({ text: form.elements.text.value, note: !!form.elements.note?.checked,
          where: form.elements.where?.value, form: form.elements.form.value, files }));
      } else sessionStorage.removeItem(key);
    } catch { /* it is full, or not allowed */ }
  };
  const noted = () => byID('composer').classList.toggle('noting', !!byID('answer')?.elements.note?.checked);

  // ---- files
  const chip = name => {
    const li = document.createElement('li'), label = document.createElement('span'), state = document.createElement('span');
    const remove = document.createElement('button');
    label.dir = 'auto';
    label.textContent = name;
    state.className = 'dim';
    remove.type = 'button';
    remove.className = 'plain';
    remove.textContent = '✕';
    remove.setAttribute('aria-label', page.dataset.remove + ' ' + name);
    li.append(label, state, remove);
    byID('files').append(li);
    return { li, state, remove };
  };
  const arrived = (li, state, value) => {
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = 'file';
    input.value = value;
    li.append(input);
    state.textContent = '✓';
  };
  const uploading = new Set();
  const upload = file => {
    const { li, state, remove } = chip(file.name || 'file'), xhr = new XMLHttpRequest(), body = new FormData();
    const form = random(), stop = () => { uploading.delete(xhr); noteUploads(); };
    uploading.add(xhr);
    noteUploads();
    body.append('form', form);
    body.append('file', file, file.name || 'file');
    xhr.open('POST', page.dataset.files);
    xhr.setRequestHeader('X-CSRF-Token', page.dataset.csrf);
    xhr.setRequestHeader('HX-Request', 'true');
    xhr.upload.addEventListener('progress', event => {
      if (event.lengthComputable) state.textContent = Math.floor(100 * event.loaded / event.total) + '%';
    });
    xhr.addEventListener('load', () => {
      stop();
      if (xhr.status === 201) {
        arrived(li, state, form + ' ' + xhr.responseText);
        remember();
        return;
      }
      li.remove();
      const large = xhr.status === 413 && file.size > 50 << 20, busy = xhr.status === 503 && xhr.getResponseHeader('Retry-After');
      say(large && (file.name || 'file') + ': ' + page.dataset.large || busy && page.dataset.busy || xhr.getResponseHeader('Content-Type')?.startsWith('text/plain') && xhr.responseText || page.dataset.failed);
    });
    xhr.addEventListener('error', () => { stop(); li.remove(); say(page.dataset.failed); });
    xhr.addEventListener('abort', stop);
    remove.addEventListener('click', () => { xhr.abort(); li.remove(); remember(); });
    xhr.send(body);
  };
  const noteUploads = () => { const send = byID('answer')?.querySelector('button.main'); if (send) send.disabled = uploading.size > 0; };
  const take = files => {
    if (!byID('attach')) return false;
    for (const file of files) if (byID('files').children.length < 10) upload(file);
    return files.length > 0;
  };
  const brings = event => [...event.dataTransfer?.types || []].includes('Files') && byID('attach');
  addEventListener('dragover', event => { if (brings(event)) { event.preventDefault(); page.classList.add('dropping'); } });
  addEventListener('dragleave', event => { if (!event.relatedTarget) page.classList.remove('dropping'); });
  addEventListener('drop', event => {
    page.classList.remove('dropping');
    if (brings(event)) { event.preventDefault(); take(event.dataTransfer.files); }
  });

  // compose makes the answer form work, also one that came with a change.
  function compose() {
    const form = byID('answer'), kept = byID('kept');
    if (kept) { // the ticket was closed meanwhile
      try {
        const draft = JSON.parse(sessionStorage.getItem(key));
        kept.hidden = !draft?.text;
        kept.querySelector('blockquote').textContent = draft?.text || '';
      } catch { /* there is none */ }
    }
    if (!form || form.dataset.ready) return;
    form.dataset.ready = 'true';
    try {
      const draft = JSON.parse(sessionStorage.getItem(key));
      for (const [name, value] of draft?.files || []) {
        const { li, state, remove } = chip(name);
        arrived(li, state, value);
        remove.addEventListener('click', () => { li.remove(); remember(); });
      }
      if (draft?.text) {
        form.elements.text.value = draft.text;
        if (draft.form) form.elements.form.value = draft.form; // it may have arrived: then it is not sent twice
        if (draft.note && form.elements.note) form.elements.note.checked = true;
        else if (draft.note && !/^\s*[/／]{2}/.test(draft.text)) form.elements.text.value = '// ' + draft.text; // a note stays one
        if (draft.where && form.elements.where) form.elements.where.value = draft.where;
      }
    } catch { /* another page's, or none */ }
    noted();
    form.addEventListener('input', () => {
      if (form.elements.note && /^\s*[/／]{2}/.test(form.elements.text.value)) form.elements.note.checked = true; // as in Telegram
      remember();
      noted();
    });
    form.elements.text.addEventListener('keydown', event => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    form.elements.text.addEventListener('paste', event => {
      if (event.clipboardData.files.length && take(event.clipboardData.files)) event.preventDefault();
    });
    byID('attach')?.addEventListener('change', event => { take(event.target.files); event.target.value = ''; });
  }
  compose();
  toEnd();
  listen(page, page.dataset.stream, changed);
})();
