// The service worker: the page as an app, and without a network.

interface Policy {
  createScriptURL(url: string): unknown;
}

/** Trusted Types guard the addresses of scripts: this one alone is let through. */
export async function registerWorker(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const address = '/sw.js';
  try {
    const { trustedTypes } = window as { trustedTypes?: { createPolicy(name: string, rules: object): Policy } };
    const policy = trustedTypes?.createPolicy('parlor-worker', {
      createScriptURL: (url: string) => {
        if (url !== address) throw new TypeError('only the page’s own worker');
        return url;
      },
    });
    await navigator.serviceWorker.register((policy?.createScriptURL(address) ?? address) as string);
  } catch {
    // Without: the page needs the network to open.
  }
}
