// Texts that would run, were they ever read as markup: a few hundred, made of what has worked elsewhere.
// `ran` is what a script would say of itself: nothing may ever call it.

const script = 'window.ran=1';

const tags = ['img', 'svg', 'video', 'audio', 'body', 'iframe', 'input', 'details', 'marquee', 'object', 'embed', 'math', 'style', 'a', 'button', 'form', 'select', 'textarea', 'x'];
const events = ['onerror', 'onload', 'onclick', 'onfocus', 'onmouseover', 'ontoggle', 'onanimationstart', 'onbegin', 'onpointerenter', 'onwheel'];

const shapes: ((tag: string, event: string) => string)[] = [
  (tag, event) => `<${tag} src=x ${event}=${script}>`,
  (tag, event) => `"><${tag}/${event}='${script}' autofocus tabindex=1>`,
];

const schemes = ['javascript:', 'JaVaScRiPt:', ' javascript:', 'java\tscript:', 'javascript&colon;', 'data:text/html,', 'data:text/html;base64,', 'vbscript:', 'blob:', 'file:///', 'view-source:'];
const forms: ((address: string) => string)[] = [
  (address) => address,
  (address) => `[click](${address})`,
  (address) => `<a href="${address}">click</a>`,
  (address) => `![x](${address})`,
  (address) => `<${address}>`,
  (address) => `https://x.example/?u=${address}`,
];

const singles = [
  `<script>${script}</script>`,
  `<ScRiPt>${script}</sCrIpT>`,
  `</script><script>${script}</script>`,
  `<script src="data:,${script}"></script>`,
  `<scr<script>ipt>${script}</scr</script>ipt>`,
  `<!--><script>${script}</script>-->`,
  `<![CDATA[<script>${script}</script>]]>`,
  `<svg><script>${script}</script></svg>`,
  `<svg><animate onbegin=${script} attributeName=x dur=1s>`,
  `<svg><set attributeName=href to=javascript:${script}><a><text>click</text></a></svg>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${script}>`,
  `<form><math><mtext></form><form><mglyph><style></math><img src onerror=${script}>`,
  `<noscript><p title="</noscript><img src=x onerror=${script}>">`,
  `<template><script>${script}</script></template>`,
  `<iframe srcdoc="<script>parent.ran=1</script>"></iframe>`,
  `<object data="data:text/html,<script>${script}</script>"></object>`,
  `<base href="//evil.example/">`,
  `<meta http-equiv="refresh" content="0;url=javascript:${script}">`,
  `<link rel=stylesheet href="data:,*{x:expression(${script})}">`,
  `<style>@import 'javascript:${script}';</style>`,
  `<div style="background:url(javascript:${script})">`,
  `<x style="behavior:url(#default#time2)" onbegin="${script}">`,
  `&lt;script&gt;${script}&lt;/script&gt;`,
  `&#60;script&#62;${script}&#60;/script&#62;`,
  `\\u003cscript\\u003e${script}\\u003c/script\\u003e`,
  `%3Cscript%3E${script}%3C/script%3E`,
  `\uff1cscript\uff1e${script}\uff1c/script\uff1e`,
  `'-${script}-'`,
  `";${script};//`,
  `\${${script}}`,
  `{{constructor.constructor('${script}')()}}`,
  `{@html '<img src=x onerror=${script}>'}`,
  `<%= ${script} %>`,
  `{${script}}`,
  `#{${script}}`,
  '`${window.ran=1}`',
  `__proto__[ran]=1`,
  `constructor.prototype.ran=1`,
  `**<img src=x onerror=${script}>**`,
  `\`<img src=x onerror=${script}>\``,
  `> <img src=x onerror=${script}>`,
  `- <img src=x onerror=${script}>`,
  `# <img src=x onerror=${script}>`,
  `||<img src=x onerror=${script}>||`,
  `~~<img src=x onerror=${script}>~~`,
  `[<img src=x onerror=${script}>](https://x.example)`,
  `[x](https://x.example"onmouseover="${script})`,
  `[x](https://x.example 'onmouseover=${script}')`,
  `https://x.example/"onmouseover="${script}`,
  `https://x.example/'onmouseover='${script}'`,
  `https://x.example/<img src=x onerror=${script}>`,
  `https://x.example\\@evil.example/`,
  `https://user:pass@evil.example/`,
  `http://[::1]:80/<script>${script}</script>`,
  `irc://x.example/#<script>${script}</script>`,
  `@<img src=x onerror=${script}>`,
  `#<img/src=x/onerror=${script}>`,
  `\x02<img src=x onerror=${script}>\x02`,
  `\x0304<img src=x onerror=${script}>\x03`,
  `\u202e<img src=x onerror=${script}>`,
  `\u0000<img src=x onerror=${script}>`.replace('\u0000', ''),
  `<img src=x onerror="${script}"\u2028>`,
  `<a href="#" onclick="${script}" style="position:fixed;inset:0">everywhere</a>`,
  `<input autofocus onfocus=${script}>`,
  `<video><source onerror=${script}>`,
  `<body onpageshow=${script}>`,
  `<portal src="javascript:${script}">`,
  `<xss contenteditable autofocus onfocus=${script}>`,
  `jaVasCript:/*-/*\`/*\\\`/*'/*"/**/(/* */oNcliCk=${script} )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=${script}//>\\x3e`,
];

function all(): string[] {
  const found = [...singles];
  for (const tag of tags) for (const event of events) for (const shape of shapes) found.push(shape(tag, event));
  for (const scheme of schemes) for (const form of forms) found.push(form(`${scheme}${script}`));
  return found;
}

export const payloads: readonly string[] = all();

/** Short enough, and without spaces and what cannot be in a name. */
export const nameLike: readonly string[] = ['<b>x</b>', '"onload=x', "'-ran-'", '<i/x>', '{ran}', '`ran`', '&lt;x', 'a"b'];
