// A component with what it needs around it: the made-up chat, and the view on it.
import { render } from '@testing-library/svelte';
import type { Component } from 'svelte';
import { FixtureChat, type FixtureOptions } from './fixture/chat.svelte';
import Around from './fixture/Around.svelte';
import { View } from './view.svelte';

// happy-dom draws nothing, so it has neither sizes nor a top layer.
HTMLElement.prototype.showPopover ??= function () {};
HTMLElement.prototype.hidePopover ??= function () {};

export function show<Props extends Record<string, unknown>>(component: Component<Props>, props: (chat: FixtureChat) => Props, options: FixtureOptions = {}) {
  history.replaceState(null, '', '/');
  const chat = new FixtureChat(options);
  const view = new View(chat);
  const shown = render(Around as Component<Record<string, unknown>>, { props: { chat, view, component, props: props(chat) } });
  return { ...shown, chat, view };
}
