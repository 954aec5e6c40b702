// SPDX-License-Identifier: GPL-2.0-or-later
//
// What happens in a flame graph when it is clicked, searched or pointed at. All
// that it knows it reads from the SVG around it, which flame_svg.c has drawn.
(() => {
'use strict';

const svg = document.documentElement;
const LEFT = Number(svg.dataset.left);
const WIDTH = Number(svg.dataset.width);
const PAD = Number(svg.dataset.pad);
const BASELINE = Number(svg.dataset.baseline);
const CHAR_WIDTH = Number(svg.dataset.char);
const LEAST_CHARACTERS = 3;

const input = svg.querySelector('.controls input');
const details = svg.querySelector('.details');

// ---- what is drawn ----

// The text below a box stands behind it, if there was room for one.
function textOf(rect) {
	const next = rect.nextElementSibling;
	return next && next.localName === 'text' ? next : null;
}

// Names that are too long for a tooltip, which has them cut.
const names = Array.from(svg.querySelectorAll('.names name'), name => name.textContent);

function readBox(rect, index) {
	const lines = rect.querySelector('title').textContent.split('\n');
	const origin = /^\((.*)\)/.exec(lines[1]);
	const amount = lines.slice(1).map(line => /^(?:now: )?(\d+) sample/.exec(line)).find(found => found);
	return {
		rect, lines, index,
		text: textOf(rect),
		name: rect.dataset.name ? names[Number(rect.dataset.name)] : lines[0],
		module: origin ? origin[1] : '',
		samples: amount ? Number(amount[1]) : 0,
		isAnchor: rect.classList.contains('anchor'),
		x: Number(rect.getAttribute('x')),
		y: Number(rect.getAttribute('y')),
		width: Number(rect.getAttribute('width')),
		fullText: null,
		caller: null,
		callees: [],
		end: index + 1, // the index of the first box that is not above this one
	};
}

// A caller stands before its callees, and below them.
function link(boxes) {
	const callers = [];
	for (const box of boxes) {
		while (callers.length && callers[callers.length - 1].y <= box.y)
			callers.pop();
		box.caller = callers[callers.length - 1] || null;
		if (box.caller)
			box.caller.callees.push(box);
		callers.push(box);
	}
	for (const box of boxes.slice().reverse())
		if (box.caller)
			box.caller.end = Math.max(box.caller.end, box.end);
}

function readStrip(group) {
	const boxes = Array.from(group.querySelectorAll('rect'), readBox);
	link(boxes);
	return boxes;
}

const strips = Array.from(svg.querySelectorAll('.strip'), readStrip);
const boxOfRect = new Map(strips.flat().map(box => [box.rect, box]));
const stripOf = box => strips.find(strip => strip[box.index] === box);

// ---- text that fits, as shortened() in flame_svg.c does it ----

function shortened(text, columns) {
	let used = 0, cut = '', all = '';
	for (const character of text) {
		used += character > '\x7f' ? 2 : 1;
		all += character;
		if (used > columns)
			return cut + '..';
		if (used + 2 <= columns)
			cut = all;
	}
	return text;
}

function fitted(text, width) {
	const columns = Math.floor((width - 2 * PAD) / CHAR_WIDTH);
	return columns < LEAST_CHARACTERS ? '' : shortened(text, columns);
}

function makeText(box) {
	const text = document.createElementNS(svg.namespaceURI, 'text');
	text.setAttribute('y', box.y + BASELINE);
	box.rect.after(text);
	return text;
}

function setText(box, x, width) {
	const content = fitted(box.name, width);
	if (content && !box.text)
		box.text = makeText(box);
	if (!box.text)
		return;
	box.text.setAttribute('x', x + PAD);
	box.text.textContent = content;
}

// ---- zoom ----

function place(box, x, width) {
	box.rect.setAttribute('x', x);
	box.rect.setAttribute('width', width);
	setText(box, x, width);
}

function show(box, isShown, isFaded) {
	for (const element of [box.rect, box.text])
		if (element)
			element.classList.toggle('gone', !isShown);
	box.rect.classList.toggle('faded', isFaded);
}

function zoom(strip, target) {
	const scale = WIDTH / target.width;
	const callers = new Set();
	for (let caller = target.caller; caller; caller = caller.caller)
		callers.add(caller);
	for (const box of strip) {
		const isAbove = box.index >= target.index && box.index < target.end;
		if (isAbove)
			place(box, LEFT + (box.x - target.x) * scale, box.width * scale);
		else if (callers.has(box))
			place(box, LEFT, WIDTH);
		show(box, isAbove || callers.has(box), callers.has(box));
	}
}

function resetZoom() {
	for (const box of strips.flat()) {
		place(box, box.x, box.width);
		show(box, true, false);
	}
}

function clicked(box) {
	if (box.caller || box.isAnchor)
		zoom(stripOf(box), box);
	else
		resetZoom();
}

// ---- search ----

// null when there is nothing to search for; throws when it is no regular expression.
function readPattern() {
	return input.value ? new RegExp(input.value) : null;
}

// Marks what matches. Of matches above each other only the lowest one counts.
function mark(strip, pattern) {
	let samples = 0, frames = 0, counted = 0;
	for (const box of strip) {
		const isMatch = pattern !== null && !box.isAnchor &&
			(pattern.test(box.name) || pattern.test(box.module));
		box.rect.classList.toggle('match', isMatch);
		frames += isMatch;
		if (!isMatch || box.index < counted)
			continue;
		samples += box.samples;
		counted = box.end;
	}
	return {samples, frames};
}

function matchedText(strip, found) {
	if (!strip.length)
		return '';
	if (strip !== strips[0])
		return `matched: ${found.frames} frame${found.frames === 1 ? '' : 's'}`;
	return `matched: ${(100 * found.samples / strip[0].samples).toFixed(1)} % of all samples`;
}

function search() {
	let pattern = null, problem = '';
	try {
		pattern = readPattern();
	} catch (error) {
		problem = 'no valid regular expression';
		details.textContent = error.message;
	}
	input.setCustomValidity(problem);
	const lines = svg.querySelectorAll('.matched');
	strips.forEach((strip, i) => {
		const found = mark(strip, pattern);
		lines[i].textContent = pattern ? matchedText(strip, found) : '';
	});
	if (problem)
		lines[0].textContent = problem;
}

// ---- details, keyboard ----

// The lines of the tooltip in one: "name (module), kernel, 12 samples, ...".
function describe(box) {
	const rest = box.lines.slice(1).join(', ');
	const line = box.name + (rest.startsWith('(') ? ' ' : ', ') + rest;
	details.textContent = shortened(line, Math.floor(WIDTH / CHAR_WIDTH));
}

function neighbour(box, key) {
	const siblings = box.caller ? box.caller.callees
		: stripOf(box).filter(other => !other.caller);
	const at = siblings.indexOf(box);
	return {
		ArrowUp: box.callees[0],
		ArrowDown: box.caller,
		ArrowLeft: siblings[at - 1],
		ArrowRight: siblings[at + 1],
	}[key];
}

function moveFocus(to) {
	to.rect.setAttribute('tabindex', '-1');
	to.rect.focus();
}

function onBoxKey(event, box) {
	const to = neighbour(box, event.key);
	if (event.key === 'Enter')
		clicked(box);
	else if (to && !to.rect.classList.contains('gone'))
		moveFocus(to);
	else
		return;
	event.preventDefault();
}

function onKey(event) {
	const box = boxOfRect.get(event.target);
	if ((event.ctrlKey || event.metaKey) && event.key === 'f' && event.target !== input) {
		event.preventDefault(); // once more, and the browser's own search opens
		input.focus();
		input.select();
	} else if (event.key === 'Escape') {
		resetZoom();
	} else if (box) {
		onBoxKey(event, box);
	}
}

function onBox(type, action) {
	svg.addEventListener(type, event => {
		const box = boxOfRect.get(event.target);
		if (box)
			action(box);
	});
}

onBox('click', clicked);
onBox('mouseover', describe);
onBox('focusin', describe);
document.addEventListener('keydown', onKey);
svg.querySelector('.controls button').addEventListener('click', resetZoom);
input.addEventListener('input', search);
for (const strip of strips)
	if (strip.length)
		strip[0].rect.setAttribute('tabindex', '0');
svg.classList.add('live');
})();
