import { mount } from 'svelte';
import Page from './ui/Page.svelte';

const target = document.getElementById('page');
if (target) mount(Page, { target });
