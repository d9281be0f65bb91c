"use strict";
(() => {
	const data = JSON.parse(document.getElementById("data").textContent);
	const $ = id => document.getElementById(id);
	const number = new Intl.NumberFormat("en");
	const n = x => number.format(x);
	const of = (x, what) => `${n(x)} ${what}${x === 1 ? "" : "s"}`;
	const CHUNK = 80; /* rows added at a time while scrolling */
	let rows = [], drawn = 0, focus = {row: 0, col: 0};

	function el(tag, props, ...children) {
		const e = document.createElement(tag);
		for (const [k, v] of Object.entries(props || {})) {
			if (k === "class") e.className = v;
			else if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
			else if (v !== false && v !== null && v !== undefined) e.setAttribute(k, v === true ? "" : v);
		}
		e.append(...children.filter(c => c !== null && c !== undefined));
		return e;
	}

	/* Ranges. */
	function clock(t) {
		return new Date(t * 1000).toISOString().replace("T", " ").replace(".000Z", "");
	}
	function range(c) {
		const [from, to] = data.bins[c];
		if (data.by_time) return `${clock(from)} to ${clock(to)}`;
		return from === to ? `line ${n(from)}` : `lines ${n(from)} to ${n(to)}`;
	}

	/* What is searched and sorted by. */
	data.formats.forEach((f, i) => {
		f.index = i;
		f.text = f.segments.map(s => typeof s === "string" ? s : s.header ? "" : "*").join("");
		f.search = (f.segments.map(s => typeof s === "string" ? s : s.name).join("") + " " + f.id).toLowerCase();
		f.cell = new Map(f.cells.map(c => [c[0], c]));
		f.most = Math.max(1, ...f.cells.map(c => c[1]));
		f.first = f.cells.length ? f.cells[0][2] : Infinity;
		f.latest = f.cells.length ? f.cells[f.cells.length - 1][0] : -1;
	});
	const most = Math.max(1, ...data.formats.map(f => f.most));

	/* Colours: logarithmic, since counts span many orders. */
	function color(count, max) {
		const x = max <= 1 ? 1 : Math.log1p(count) / Math.log1p(max);
		const r = getComputedStyle(document.documentElement).getPropertyValue("--ramp").split(",").map(Number);
		const at = k => Math.round(r[k] + (r[k + 3] - r[k]) * x);
		return `rgb(${at(0)}, ${at(1)}, ${at(2)})`;
	}
	let palette = new Map();
	function shade(count, f) {
		const max = $("scale").value === "row" ? f.most : most;
		const key = Math.round(64 * (max <= 1 ? 1 : Math.log1p(count) / Math.log1p(max)));
		if (!palette.has(key)) palette.set(key, color(count, max));
		return palette.get(key);
	}
	function legend() {
		palette = new Map();
		const relative = $("scale").value === "row";
		const stops = [0, .25, .5, .75, 1].map(x => color(Math.expm1(x * Math.log1p(1000)), 1000));
		$("ramp").style.background = `linear-gradient(to right, ${stops.join(",")})`;
		$("least").textContent = "1 line";
		$("most").textContent = relative ? "most of the format" : of(most, "line");
		$("legend").setAttribute("aria-label", `Colour scale, logarithmic, from 1 line to ${$("most").textContent}`);
	}

	/* The formats. */
	function template(f) {
		return f.segments.map(s => typeof s === "string" ? document.createTextNode(s)
			: s.text !== undefined ? el("span", {class: "head"}, s.text)
			: el("span", {class: "var", "data-var": s.var}, s.name));
	}

	function drawRow(r) {
		const f = rows[r];
		const tr = el("tr", {"data-row": r, "aria-rowindex": r + 2});
		tr.append(el("th", {scope: "row", tabindex: "-1"},
			f.new ? el("span", {class: "new"}, "new") : null, ...template(f)));
		tr.append(el("td", {class: "total", tabindex: "-1"}, n(f.count)));
		for (let c = 0; c < data.bins.length; c++) {
			const cell = f.cell.get(c), td = el("td", {class: "cell", tabindex: "-1", "data-col": c});
			if (cell) {
				td.textContent = n(cell[1]);
				td.style.background = shade(cell[1], f);
			}
			tr.append(td);
		}
		return tr;
	}

	function drawMore() {
		const to = Math.min(rows.length, drawn + CHUNK);
		const part = document.createDocumentFragment();
		for (; drawn < to; drawn++) part.append(drawRow(drawn));
		$("rows").append(part);
		$("end").textContent = drawn < rows.length ? "Scroll for more." : "";
	}

	function apply() {
		const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
		rows = data.formats.filter(f => words.every(w =>
			w.length > 1 && w[0] === "-" ? !f.search.includes(w.slice(1)) : f.search.includes(w)));
		const by = {
			count: (a, b) => b.count - a.count, rare: (a, b) => a.count - b.count,
			first: (a, b) => a.first - b.first, last: (a, b) => b.latest - a.latest || b.count - a.count,
			text: (a, b) => a.text < b.text ? -1 : a.text > b.text ? 1 : 0,
		}[$("order").value];
		rows.sort((a, b) => by(a, b) || a.index - b.index);
		drawn = 0;
		focus = {row: 0, col: 0};
		$("rows").replaceChildren();
		$("map").setAttribute("aria-rowcount", rows.length + 1);
		drawMore();
		const lines = rows.reduce((s, f) => s + f.count, 0);
		$("shown").textContent = `${n(rows.length)} of ${of(data.formats.length, "format")}, ${of(lines, "line")}`;
		const first = cellAt(0, 0);
		if (first) first.tabIndex = 0;
		sorted();
	}

	function sorted() {
		const o = $("order").value;
		$("col-text").setAttribute("aria-sort", o === "text" ? "ascending" : "none");
		$("col-count").setAttribute("aria-sort", o === "count" ? "descending" : o === "rare" ? "ascending" : "none");
	}

	function head() {
		const order = value => () => { $("order").value = value(); apply(); };
		const tr = $("head");
		tr.append(el("th", {scope: "col", id: "col-text"},
			el("button", {type: "button", onclick: order(() => "text")}, "Format")));
		tr.append(el("th", {scope: "col", id: "col-count"},
			el("button", {type: "button", onclick: order(() => $("order").value === "count" ? "rare" : "count")}, "Lines")));
		const step = Math.max(1, Math.ceil(data.bins.length / 6));
		data.bins.forEach((b, c) => tr.append(el("th", {scope: "col", class: c % step === 0 ? "bin labelled" : "bin"},
			el("span", {class: "hidden"}, range(c)),
			c % step === 0 ? el("span", {"aria-hidden": "true"}, data.by_time ? clock(b[0]).slice(5, 16) : n(b[0])) : null)));
	}

	/* Details. */
	function bars(v) {
		const max = Math.max(...v.values.map(x => x[1]), 1);
		return el("table", {class: "values"}, ...v.values.map(([text, count]) =>
			el("tr", {}, el("td", {}, text), el("td", {}, n(count)),
				el("td", {}, el("span", {class: "bar", style: `width:${Math.max(2, 100 * count / max)}%`})))));
	}
	function where(f, c) {
		const cell = f.cell.get(c);
		if (!cell) return [el("p", {}, `No lines in ${range(c)}.`)];
		const out = [el("p", {}, `${of(cell[1], "line")} in ${range(c)}; the first is line ${n(cell[2])}`
			+ (cell[3] !== undefined && data.files.length > 1 ? ` of ${data.files[cell[3]]}.` : "."))];
		out.push(el("pre", {}, `sed -n '${cell[2]}p' ${quote(data.files[cell[3] || 0])}`));
		return out;
	}
	const quote = s => /^[\w.\/-]+$/.test(s) ? s : "'" + s.replace(/'/g, "'\\''") + "'";

	function details(r, c) {
		const f = rows[r], d = $("details");
		document.querySelectorAll("tr.on").forEach(e => e.classList.remove("on"));
		const tr = document.querySelector(`tr[data-row="${r}"]`);
		if (tr) tr.classList.add("on");
		d.replaceChildren(
			el("button", {type: "button", class: "close", onclick: close, "aria-label": "Close the details"}, "×"),
			el("h2", {}, ...template(f)),
			el("dl", {}, el("dt", {}, "Lines"), el("dd", {}, `${n(f.count)} (${(100 * f.count / data.lines).toPrecision(3)} %)`),
				el("dt", {}, "Id"), el("dd", {}, f.id)));
		d.append(el("h3", {id: "where"}, "Where"));
		if (c !== null) d.append(...where(f, c));
		else if (f.cells.length) d.append(el("p", {}, `First at line ${n(f.cells[0][2])}; in ${n(f.cells.length)} of ${n(data.bins.length)} ranges.`));
		d.append(el("h3", {}, "Examples"), ...f.examples.map(x => el("pre", {}, x)));
		f.vars.forEach(v => d.append(el("h3", {}, v.name, " ",
			el("small", {}, v.exact ? of(v.distinct, "value") : "values in samples")), bars(v)));
		d.hidden = false;
		d.dataset.row = r;
	}
	function close() {
		$("details").hidden = true;
		document.querySelectorAll("tr.on").forEach(e => e.classList.remove("on"));
		const td = cellAt(focus.row, focus.col);
		if (td) td.focus();
	}

	/* Cells by keyboard: columns 0 and 1 are the format and its total. */
	function cellAt(r, c) {
		const tr = $("rows").children[r];
		return tr ? tr.children[c] : null;
	}
	function move(r, c) {
		r = Math.max(0, Math.min(rows.length - 1, r));
		c = Math.max(0, Math.min(data.bins.length + 1, c));
		while (r >= drawn && drawn < rows.length) drawMore();
		const old = cellAt(focus.row, focus.col), td = cellAt(r, c);
		if (old) old.tabIndex = -1;
		focus = {row: r, col: c};
		if (td) {
			td.tabIndex = 0;
			td.focus();
			td.scrollIntoView({block: "nearest", inline: "nearest"});
		}
	}
	function open(td) {
		const tr = td.closest("tr[data-row]");
		if (!tr) return;
		const r = Number(tr.dataset.row);
		focus = {row: r, col: [...tr.children].indexOf(td)};
		details(r, td.dataset.col === undefined ? null : Number(td.dataset.col));
	}
	$("rows").addEventListener("keydown", e => {
		const steps = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-20, 0], PageDown: [20, 0]};
		if (steps[e.key]) move(focus.row + steps[e.key][0], focus.col + steps[e.key][1]);
		else if (e.key === "Home") move(e.ctrlKey ? 0 : focus.row, 0);
		else if (e.key === "End") move(e.ctrlKey ? rows.length - 1 : focus.row, data.bins.length + 1);
		else if (e.key === "Enter" || e.key === " ") open(e.target.closest("th, td"));
		else return;
		e.preventDefault();
	});
	$("rows").addEventListener("click", e => {
		const td = e.target.closest("th, td");
		if (td && !String(getSelection())) open(td);
	});
	document.addEventListener("keydown", e => {
		if (e.key === "Escape" && !$("details").hidden) close();
		else if (e.key === "/" && !/INPUT|SELECT/.test(document.activeElement.tagName)) {
			$("filter").focus();
			e.preventDefault();
		}
	});

	/* Hover and focus: what is there. */
	function tip(target) {
		const tr = target.closest("tr[data-row]");
		if (!tr) return null;
		const f = rows[Number(tr.dataset.row)], td = target.closest("td.cell"), v = target.closest(".var[data-var]");
		if (v) {
			const x = f.vars[Number(v.dataset.var)];
			return [x.name + (x.exact ? `, ${of(x.distinct, "value")}` : ", values in samples"), bars(x)];
		}
		if (td) {
			const cell = f.cell.get(Number(td.dataset.col));
			return [`${cell ? of(cell[1], "line") : "no lines"}, ${range(Number(td.dataset.col))}`, el("pre", {}, f.text.slice(0, 200))];
		}
		if (target.closest("th")) return ["For example", ...f.examples.map(x => el("pre", {}, x))];
		return null;
	}
	function showTip(target, x, y) {
		const content = tip(target), t = $("tip");
		if (!content) {
			t.hidden = true;
			return;
		}
		t.replaceChildren(...content);
		t.hidden = false;
		t.style.left = Math.max(4, Math.min(x + 14, innerWidth - t.offsetWidth - 8)) + "px";
		t.style.top = (y + 18 + t.offsetHeight > innerHeight ? Math.max(4, y - t.offsetHeight - 8) : y + 18) + "px";
	}
	$("rows").addEventListener("mousemove", e => showTip(e.target, e.clientX, e.clientY));
	$("rows").addEventListener("mouseleave", () => { $("tip").hidden = true; });
	$("rows").addEventListener("focusin", e => {
		const b = e.target.getBoundingClientRect();
		e.target.setAttribute("aria-describedby", "tip");
		showTip(e.target, b.left, b.bottom - 12);
	});
	$("rows").addEventListener("focusout", e => { e.target.removeAttribute("aria-describedby"); $("tip").hidden = true; });

	$("filter").addEventListener("input", apply);
	$("order").addEventListener("change", apply);
	$("scale").addEventListener("change", () => { legend(); apply(); });
	$("controls").addEventListener("submit", e => e.preventDefault());
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { legend(); apply(); });
	$("wrap").addEventListener("scroll", () => {
		const w = $("wrap");
		if (w.scrollTop + w.clientHeight > w.scrollHeight - 400 && drawn < rows.length) drawMore();
	}, {passive: true});

	document.title = "Log formats: " + data.source;
	$("source").textContent = data.source;
	$("summary").textContent = `${of(data.lines, "line")} in ${of(data.formats.length, "format")}; each column is ${
		data.bins.length ? (data.by_time ? "a range of time" : `about ${of(Math.round(data.lines / data.bins.length) || 1, "line")}`) : "empty"}.`;
	head();
	legend();
	apply();
})();
