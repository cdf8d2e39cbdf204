// What the operations pages do besides forms and links: times in the reader's zone, and figures that renew themselves.
(() => {
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' });
  const localise = root => {
    for (const time of root.querySelectorAll('time[data-clock]')) time.textContent = clock.format(new Date(time.dateTime));
  };
  document.documentElement.classList.add('js');
  localise(document);
  try { document.cookie = 'tz=' + Intl.DateTimeFormat().resolvedOptions().timeZone + '; path=/; max-age=31536000; samesite=lax'; } catch { /* then days are those of UTC */ }
  const every = 10000;
  const look = async () => {
    const live = document.getElementById('live');
    if (!live?.dataset.refresh) return;
    const stale = document.getElementById('stale');
    const answered = did => {
      const text = did ? '' : stale.dataset.text;
      if (stale.textContent !== text) stale.textContent = text;
    };
    try {
      // Not under somebody who reads the details of something, writes or chooses there.
      if (!document.hidden && !live.contains(document.activeElement) && !live.querySelector('details[open]')) {
        const answer = await fetch(live.dataset.refresh, { signal: AbortSignal.timeout(every) });
        const next = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('live');
        if (answer.redirected || answer.status === 403 || answer.status === 404) { location.reload(); return; } // the session has ended, or it is gone
        if (answer.ok && next) {
          localise(next);
          live.replaceWith(next);
          next.dataset.renewed = Number(live.dataset.renewed || 0) + 1;
        }
        answered(answer.ok && next);
      }
    } catch { answered(false); } // it is asked again
    setTimeout(look, every);
  };
  setTimeout(look, every);
})();
