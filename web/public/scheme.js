// Sets the colour scheme and the language before the first paint. A file, not inline: the policy allows no inline script.
(function () {
  var scheme = 'auto';
  var language = null;
  try {
    scheme = localStorage.getItem('celek.scheme') || 'auto';
    language = localStorage.getItem('celek.language');
  } catch (e) {
    // Storage may be forbidden; the defaults are good.
  }
  if (scheme !== 'light' && scheme !== 'dark') {
    scheme = window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }
  document.documentElement.setAttribute('data-mantine-color-scheme', scheme);
  if (language) document.documentElement.lang = language;
})();
