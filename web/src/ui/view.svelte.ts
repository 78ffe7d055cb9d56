// What is open on the screen: the panel, the dialog, and on narrow screens the list or the conversation. Nothing of it
// is the server's business.
import { tick } from 'svelte';
import type { Chat, Conversation, MessageEntry, Person } from '../state/types';
import { language } from '../texts/language.svelte';
import { isText } from './keys';
import { parse, pathOf } from './route';

export type Panel =
  | { readonly kind: 'members' }
  | { readonly kind: 'pins' }
  | { readonly kind: 'details' }
  | { readonly kind: 'search'; readonly words: string; readonly everywhere: boolean }
  | { readonly kind: 'thread'; readonly rootId: string }
  | { readonly kind: 'wire'; readonly message: MessageEntry }
  /** `person`: who said something, whoever is called so now. */
  | { readonly kind: 'person'; readonly nick: string; readonly person?: Person };

export type SettingsPart = 'profile' | 'account' | 'devices' | 'notifications' | 'appearance' | 'language' | 'privacy';

export type DialogView =
  | { readonly kind: 'switcher' }
  | { readonly kind: 'keys' }
  | { readonly kind: 'rooms' }
  | { readonly kind: 'create' }
  | { readonly kind: 'message' }
  | { readonly kind: 'settings'; readonly part: SettingsPart }
  | { readonly kind: 'moderation' }
  | { readonly kind: 'status' }
  | { readonly kind: 'report'; readonly conversation: Conversation; readonly message: MessageEntry }
  | { readonly kind: 'reactions'; readonly conversation: Conversation; readonly message: MessageEntry }
  | { readonly kind: 'earlier'; readonly conversation: Conversation; readonly message: MessageEntry }
  | { readonly kind: 'delete'; readonly conversation: Conversation; readonly message: MessageEntry }
  | { readonly kind: 'invite'; readonly conversation: Conversation }
  | {
      readonly kind: 'confirm';
      readonly title: string;
      readonly text: string;
      readonly action: string;
      readonly danger?: boolean;
      /** What one may rather want to do. */
      readonly instead?: { readonly text: string; readonly run: () => void } | undefined;
      readonly run: () => Promise<void> | void;
    };

/** Where a message is to be shown; a new object each time, so that the same can be asked for again. */
export interface Target {
  readonly conversation: string;
  readonly id: string;
}

export class View {
  #panel = $state.raw<Panel | null>(null);
  #dialog = $state.raw<DialogView | null>(null);
  /** On narrow screens: the list is shown, not the conversation. */
  listShown = $state(false);
  /** Where there is not the room for list and conversation beside each other. */
  narrow = $state(false);
  /** Where there is not the room for a panel beside the conversation. */
  cramped = $state(false);
  /** It was opened by the keyboard, or in the place of one that had it: the focus is in it. */
  inPanel = false;
  /** Where the keyboard was when the panel was opened: it goes back there. */
  #from: HTMLElement | null = null;
  /** The panels that lead to the one that is shown, and that: going back goes from one to the one before it. */
  #panels: { readonly panel: Panel; readonly uncover: () => void }[] = [];
  #uncoverDialog = (): void => undefined;
  /** How what covers the rest is closed, the uppermost last. */
  #over: (() => void)[] = [];
  /** So many entries of the history up to the one that one is at are of such. */
  #deep = Number(history.state) || 0;
  editing = $state.raw<MessageEntry | null>(null);
  target = $state.raw<Target | null>(null);
  /** The address names nothing that there is. */
  lost = $state(false);
  invitation = $state.raw<{ room: string; token: string } | null>(null);
  /** What is typed for what was opened before it is there; null while nothing is on its way. */
  #typedAhead: string | null = null;
  #onItsWay: { readonly isWanted: () => boolean; readonly close: () => void; readonly from: Element | null } | null = null;
  /** Said to screen readers, politely. */
  spoken = $state('');

  readonly #chat: Chat;

  constructor(chat: Chat) {
    this.#chat = chat;
  }

  /** Follows the window and its address; ends with what it returns. */
  start(): () => void {
    // By the size of letters: whoever reads large ones has room for less.
    const narrow = window.matchMedia('(max-width: 47.5em)');
    const cramped = window.matchMedia('(max-width: 70em)');
    const measure = () => {
      this.narrow = narrow.matches;
      this.cramped = cramped.matches;
    };
    const walked = () => {
      const deep = this.#deep;
      this.#deep = Number(history.state) || 0;
      const isBack = history.state !== null && this.#deep < deep;
      // Of what was closed by other means there is an entry still: nobody has to go back twice for that.
      if (isBack && this.#over.length <= this.#deep) return history.back();
      for (const close of this.#over.splice(isBack ? this.#deep : 0).reverse()) close();
      if (isBack) return;
      if (this.narrow) this.panel = null;
      this.follow();
    };
    measure();
    narrow.addEventListener('change', measure);
    cramped.addEventListener('change', measure);
    window.addEventListener('popstate', walked);
    const route = parse(location.pathname);
    // Whoever comes by an invitation is told so before they are in.
    if (route.to === 'invite') this.invitation = { room: route.room, token: route.token };
    if (this.narrow && route.to === 'home') this.listShown = true;
    return () => {
      narrow.removeEventListener('change', measure);
      cramped.removeEventListener('change', measure);
      window.removeEventListener('popstate', walked);
    };
  }

  get panel(): Panel | null {
    return this.#panel;
  }

  set panel(panel: Panel | null) {
    const at = document.activeElement as HTMLElement | null;
    this.inPanel = at?.matches(':focus-visible') ?? false;
    if (panel && !at?.closest('#panel')) this.#from = this.inPanel ? at : null;
    const from = panel ? this.#panels.findIndex((before) => before.panel.kind === panel.kind) : 0;
    if (from >= 0) for (const { uncover } of this.#panels.splice(from)) uncover();
    if (panel) this.#panels.push({ panel, uncover: this.cramped ? this.cover(() => (this.panel = this.#panels.at(-2)?.panel ?? null)) : () => undefined });
    this.#panel = panel;
  }

  /** Where there is a finger, or not much room, going back closes what covers the rest before it leaves that. Ends with what it returns. */
  cover(close: () => void): () => void {
    if (this.narrow || matchMedia('(pointer: coarse)').matches) {
      if (this.#over.push(close) > this.#deep) {
        if (this.#deep === 0) history.replaceState(0, '');
        history.pushState((this.#deep += 1), '');
      }
    }
    return () => (this.#over = this.#over.filter((other) => other !== close));
  }

  /** The focus goes back to where it came from; whoever has gone elsewhere to write is left there. */
  closePanel(): void {
    const at = document.activeElement;
    const from = this.#from;
    this.panel = null;
    if (isText(at) && !at?.closest('#panel')) return;
    const key = from?.closest('article')?.dataset['key'];
    void tick().then(() => {
      // What was pressed may have gone; its message has not.
      const place = from?.isConnected ? from : key && document.querySelector<HTMLElement>(`#messages [data-key="${CSS.escape(key)}"]`);
      if (place) place.focus();
      else if (!this.narrow) this.focusComposer();
    });
  }

  /** The address of what is shown now; it takes the place of that of what covered the rest. */
  visit(path: string): void {
    history[this.#deep > 0 ? 'replaceState' : 'pushState'](null, '', path);
    this.#deep = 0;
  }

  /** Shows what the address says. */
  follow(): void {
    const route = parse(location.pathname, location.search);
    this.lost = route.to === 'nowhere';
    if (this.lost) this.#chat.closeCurrent();
    this.invitation = route.to === 'invite' ? { room: route.room, token: route.token } : null;
    if (route.to === 'conversation') {
      this.#show(route.name, route.message);
    } else if (route.to === 'message') {
      void this.seek(route.message).then((found) => (this.lost = !found));
    } else if (route.to === 'settings') {
      // Where there is none of the name the first is shown.
      this.dialog = { kind: 'settings', part: (route.part ?? 'profile') as SettingsPart };
    } else if (route.to === 'rooms') {
      this.dialog = { kind: 'rooms' };
    } else if (route.to === 'search') {
      this.panel = { kind: 'search', words: route.words, everywhere: true };
    } else if (route.to === 'home' && this.narrow) {
      this.listShown = true;
      this.#chat.closeCurrent();
    }
  }

  /** Goes to a conversation, and to a message in it. */
  go(name: string, message?: string | null): void {
    const path = pathOf(name, message);
    if (location.pathname !== path) this.visit(path);
    this.#show(name, message ?? null);
  }

  /**
   * Goes where a link leads that says something else: a room has another name since, and what two people say to each other is called by
   * each after the other. False, and `otherwise` is said: there is nothing that one may read.
   */
  async seek(message: string | null, room = '', otherwise = language.texts.state.refused.notThere): Promise<boolean> {
    const { pathname } = location;
    let found: string | null = null;
    try {
      found = await this.#chat.whereIs(message, room);
    } catch (error) {
      otherwise &&= (error as Error).message;
    }
    // Meanwhile one may have gone on.
    if (location.pathname !== pathname) return true;
    if (found === null || found === room) {
      if (otherwise) this.#chat.say(otherwise);
      return false;
    }
    history.replaceState(null, '', pathOf(found, message));
    this.#show(found, message);
    return true;
  }

  #show(name: string, message: string | null): void {
    const before = this.#chat.current?.key;
    const conversation = this.#chat.open(name);
    if (conversation.key !== before) {
      this.editing = null;
      if (this.panel && (this.panel.kind !== 'search' || this.narrow) && (this.panel.kind !== 'members' || this.cramped)) this.panel = null;
    }
    this.lost = false;
    this.listShown = false;
    if (this.cramped && message) this.panel = null;
    this.target = message ? { conversation: conversation.key, id: message } : null;
  }

  /** What is shown changes by itself, too: by a command, a notification, a room's new name. The address follows. */
  keepUp(conversation: Conversation): void {
    const route = parse(location.pathname);
    if (route.to === 'conversation' && this.#chat.find(route.name)?.key === conversation.key) {
      this.#shown = conversation;
      return;
    }
    // Whoever enters by a link of before the room had its name still wants to see the message.
    const message = this.#shown === conversation && conversation.membership === 'joining' ? this.target?.id : null;
    const path = pathOf(conversation.name, message);
    // To what is not there any more nobody wants to go back.
    if (this.#shown === conversation || (route.to === 'conversation' && !this.#chat.find(route.name))) history.replaceState(null, '', path);
    else this.visit(path);
    this.#shown = conversation;
    this.listShown = false;
    this.lost = false;
    this.editing = null;
    this.target = message ? { conversation: conversation.key, id: message } : null;
  }
  #shown: Conversation | null = null;

  /** There is no conversation any more: it was left, or closed. */
  left(): void {
    const route = parse(location.pathname);
    if (!this.#shown) return;
    this.#shown = null;
    if (route.to === 'conversation' && !this.#chat.find(route.name)) history.replaceState(null, '', '/');
    // It may have gone with that.
    if (document.activeElement === document.body) this.focusComposer();
  }

  get dialog(): DialogView | null {
    return this.#dialog;
  }

  set dialog(dialog: DialogView | null) {
    const isOther = dialog?.kind !== this.#dialog?.kind;
    this.#dialog = dialog;
    if (!isOther) return;
    this.#uncoverDialog();
    if (!dialog) return;
    const close = () => this.closeDialog();
    this.#uncoverDialog = this.cover(close);
    this.expect(() => this.#dialog === dialog, close);
  }

  openSearch(everywhere: boolean): void {
    this.#openToWrite({ kind: 'search', words: '', everywhere });
  }

  openThread(rootId: string): void {
    const isThere = this.panel?.kind === 'thread' && this.panel.rootId === rootId;
    if (isThere) document.querySelector<HTMLElement>('#panel textarea')?.focus();
    else this.#openToWrite({ kind: 'thread', rootId });
  }

  #openToWrite(panel: Panel): void {
    this.panel = panel;
    this.expect(() => this.panel === panel, () => (this.panel = null));
  }

  /** What was opened may still be on its way: what is typed is for it all the same, and not for where one wrote before. */
  expect(isWanted: () => boolean, close: () => void): void {
    this.#typedAhead = '';
    this.#onItsWay = { isWanted, close, from: document.activeElement };
  }

  /** It has come, or cannot be had. */
  expectNothing(): void {
    this.#typedAhead = this.#onItsWay = null;
  }

  /** Before the key is anyone else's. True: it was for what is on its way. */
  keyAhead(event: KeyboardEvent): boolean {
    const part = this.#onItsWay;
    if (!part || this.#typedAhead === null || event.isComposing) return false;
    const at = document.activeElement;
    // It was closed, or one has gone elsewhere to write.
    if (!part.isWanted() || (at !== part.from && isText(at))) {
      this.expectNothing();
      return false;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === 'Escape') {
      this.expectNothing();
      part.close();
    } else if (event.key.length === 1) this.#typedAhead += event.key;
    else if (event.key === 'Enter') this.#typedAhead += '\n';
    else if (event.key === 'Backspace') this.#typedAhead = this.#typedAhead.slice(0, -1);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  /** For what has come: what was typed for it. */
  takeTyped(): string {
    const typed = this.#typedAhead ?? '';
    this.expectNothing();
    return typed;
  }

  /** On narrow screens: back to the list. */
  back(): void {
    this.listShown = true;
    this.panel = null;
    this.visit('/');
    this.#chat.closeCurrent();
  }

  toggle(panel: Panel): void {
    this.panel = this.panel?.kind === panel.kind ? null : panel;
  }

  closeDialog(): void {
    const route = parse(location.pathname);
    if (route.to === 'settings' || route.to === 'rooms') {
      const current = this.#chat.current;
      history.replaceState(history.state, '', current ? pathOf(current.name) : '/');
    }
    this.dialog = null;
  }

  /** Says it to screen readers, also when the same was said before. */
  speak(sentence: string): void {
    this.spoken = '';
    void tick().then(() => (this.spoken = sentence));
  }

  /** The person goes on writing; or reading, where nothing may be written; or chooses where to, where nothing is shown. */
  focusComposer(): void {
    void tick().then(() => {
      const place = document.getElementById('composer') ?? document.getElementById('join') ?? document.getElementById('messages');
      (place ?? document.querySelector<HTMLElement>('#list a, #list button'))?.focus();
    });
  }
}
