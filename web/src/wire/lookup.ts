// How the server's name became an address, as far as the browser tells its pages (Resource Timing, W3C, section 4.3).

export type Lookup =
  | { readonly kind: 'none needed' }
  /** `milliseconds`: how long the answer took; null where the browser asked nobody, since it knew already. */
  | { readonly kind: 'dns' | 'mdns'; readonly name: string; readonly milliseconds: number | null };

/** `host` as in `location.hostname`; `timing` of the page itself. */
export function lookupOf(host: string, timing: Pick<PerformanceResourceTiming, 'domainLookupStart' | 'domainLookupEnd'> | undefined): Lookup {
  // A URL's host is a number or has a colon only where it is an address (URL Standard, host parsing).
  const isAddress = host.startsWith('[') || /^[\d.]+$/.test(host);
  if (isAddress || host === 'localhost' || host.endsWith('.localhost')) return { kind: 'none needed' };
  const took = timing === undefined ? 0 : timing.domainLookupEnd - timing.domainLookupStart;
  return { kind: host.endsWith('.local') ? 'mdns' : 'dns', name: host, milliseconds: took > 0 ? took : null };
}
