(function () {
  "use strict";
  var root = document.documentElement;
  var SVG = "http://www.w3.org/2000/svg";
  var data = { curves: {} };

  function all(selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); }
  function fill(template, values) {
    return template.replace(/\{(\w+)\}/g, function (whole, name) { return name in values ? values[name] : whole; });
  }
  function element(tag, attributes) {
    var made = document.createElementNS(SVG, tag);
    for (var name in attributes) { made.setAttribute(name, attributes[name]); }
    return made;
  }

  // ---- language

  function speak(language) {
    root.lang = language;
    all(".language").forEach(function (part) { part.hidden = part.lang !== language; });
    all(".switch button").forEach(function (button) { button.setAttribute("aria-pressed", String(button.dataset.language === language)); });
  }

  // ---- hiding of recipes

  function press(toggle, hidden) {
    root.classList.toggle("hide-" + toggle, hidden);
    all('.keys button[data-toggle="' + toggle + '"]').forEach(function (twin) { twin.setAttribute("aria-pressed", String(!hidden)); });
  }

  // ---- curves: values under the pointer, zoom

  // The next of 1, 2, 2.5, 5, 10 × 10ⁿ.
  function roundStep(rough) {
    var magnitude = Math.pow(10, Math.floor(Math.log10(rough)));
    return [1, 2, 2.5, 5, 10].map(function (s) { return s * magnitude; }).find(function (s) { return s >= rough * 0.999999; });
  }
  function ticks(low, high, count, whole) {
    var step = roundStep((high - low) / count);
    if (whole) { step = Math.max(1, Math.round(step)); }
    var digits = Math.max(0, Math.ceil(-Math.log10(step) + 1e-9));
    if (Math.abs(step * Math.pow(10, digits) % 1 - 0.5) < 1e-6) { digits += 1; }
    var list = [];
    for (var k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) { list.push({ at: k * step, text: (k * step).toFixed(digits).replace("-", "−") }); }
    return list;
  }

  function Plot(svg) {
    var self = this, curves = data.curves[svg.dataset.plot];
    if (!curves || !curves.series.some(function (s) { return s.x.length; })) { return; }
    var frame = JSON.parse(svg.dataset.frame);
    var left = frame[0], right = frame[1], top = frame[2], floor = frame[3];
    var factor = curves.factor;
    var home = { x: [frame[4], frame[5]], y: [frame[6], frame[7]] }, view = home;
    var box = svg.parentNode;
    var tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    tip.setAttribute("role", "status");
    box.appendChild(tip);
    var cursor = element("line", { "class": "cursor", y1: top, y2: floor });
    var brush = element("rect", { "class": "brush", y: top, height: floor - top });
    cursor.style.display = brush.style.display = "none";
    svg.appendChild(brush);
    svg.appendChild(cursor);
    var clip = element("clipPath", { id: "clip-" + Plot.count++ });
    clip.appendChild(element("rect", { x: left - 6, y: top - 6, width: right - left + 12, height: floor - top + 12 }));
    svg.appendChild(clip);
    var places = [];
    curves.series.forEach(function (s) { s.x.forEach(function (x) { if (places.indexOf(x) < 0) { places.push(x); } }); });
    places.sort(function (a, b) { return a - b; });
    var at = -1, dragFrom = null;

    function xAt(value) { return left + (value - view.x[0]) / (view.x[1] - view.x[0]) * (right - left); }
    function valueAt(x) { return view.x[0] + (x - left) / (right - left) * (view.x[1] - view.x[0]); }
    function number(value) { return factor === 1 ? value.toFixed(3) : (value * factor).toFixed(curves.suffix ? 1 : 2).replace("-", "−"); }
    function hide() { at = -1; tip.hidden = true; cursor.style.display = "none"; }
    function visible() { return curves.series.filter(function (s) { return !root.classList.contains("hide-" + s.toggle); }); }
    function nearest(list, value) {
      var best = 0;
      list.forEach(function (x, index) { if (Math.abs(x - value) < Math.abs(list[best] - value)) { best = index; } });
      return best;
    }

    function show(index) {
      at = index;
      var here = places[index];
      tip.textContent = "";
      var head = document.createElement("b");
      head.textContent = fill(svg.dataset.head, { x: curves.whole ? here : here.toPrecision(3) });
      tip.appendChild(head);
      var most = Math.max.apply(null, curves.series.map(function (s) { return Math.max.apply(null, s.n.concat(0)); }));
      visible().map(function (s) {
        var k = nearest(s.x, here);
        var near = s.x.length && (curves.whole ? s.x[k] === here : Math.abs(s.x[k] - here) <= (home.x[1] - home.x[0]) / Math.max(s.x.length, 2));
        return near ? { series: s, k: k } : null;
      }).filter(Boolean).sort(function (a, b) { return b.series.mean[b.k] - a.series.mean[a.k]; }).forEach(function (found) {
        var s = found.series, k = found.k;
        var row = document.createElement("div");
        var dot = document.createElement("i");
        dot.style.setProperty("--k", "var(--" + s.class + ")");
        var name = document.createElement("span");
        name.dir = "auto";
        name.textContent = s.name;
        var value = document.createElement("b");
        value.textContent = number(s.mean[k]) + curves.suffix + (s.n[k] > 1 ? " (" + number(s.low[k]) + " – " + number(s.high[k]) + ")" : "") +
          (s.n[k] < most ? ", " + fill(svg.dataset.seeds, { n: s.n[k] }) : "");
        row.append(dot, name, value);
        tip.appendChild(row);
      });
      var x = xAt(here);
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      cursor.style.display = "";
      tip.hidden = false;
      var scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      var room = box.clientWidth, width = tip.offsetWidth;
      var place = x * scale + 14 + width <= room ? x * scale + 14 : x * scale - 14 - width;
      tip.style.left = Math.max(0, Math.min(place, room - width)) + "px";
      tip.style.top = 24 * scale + "px";
    }

    // Every mark remembers where it was drawn, and is moved from there.
    function move() {
      var zoomed = view !== home;
      svg.classList.toggle("zoomed", zoomed);
      var sx = (home.x[1] - home.x[0]) / (view.x[1] - view.x[0]), sy = (home.y[1] - home.y[0]) / (view.y[1] - view.y[0]);
      function X(x) { return left + (x - left) * sx - (view.x[0] - home.x[0]) / (view.x[1] - view.x[0]) * (right - left); }
      function Y(y) { return floor + (y - floor) * sy + (view.y[0] - home.y[0]) / (view.y[1] - view.y[0]) * (floor - top); }
      var marks = svg.querySelector(".marks");
      if (zoomed) { marks.setAttribute("clip-path", "url(#" + clip.id + ")"); } else { marks.removeAttribute("clip-path"); }
      all("path", marks).forEach(function (path) {
        path.home = path.home || path.getAttribute("d");
        path.setAttribute("d", zoomed ? path.home.replace(/([ML])(-?[\d.]+) (-?[\d.]+)/g, function (_, c, x, y) {
          return c + X(+x).toFixed(2) + " " + Y(+y).toFixed(2);
        }) : path.home);
      });
      all("circle", marks).forEach(function (circle) {
        circle.home = circle.home || [+circle.getAttribute("cx"), +circle.getAttribute("cy")];
        circle.setAttribute("cx", zoomed ? X(circle.home[0]) : circle.home[0]);
        circle.setAttribute("cy", zoomed ? Y(circle.home[1]) : circle.home[1]);
      });
      var xs = svg.querySelector(".x-ticks"), ys = svg.querySelector(".y-ticks");
      [xs, ys].forEach(function (group) { group.home = group.home || group.innerHTML; group.innerHTML = zoomed ? "" : group.home; });
      if (zoomed) {
        ticks(view.x[0], view.x[1], Math.max(2, Math.min(10, Math.round((right - left) / 80))), curves.whole).forEach(function (tick) {
          xs.appendChild(element("line", { "class": "axis", x1: xAt(tick.at), x2: xAt(tick.at), y1: floor, y2: floor + 4 }));
          xs.appendChild(element("text", { "class": "tick", x: xAt(tick.at), y: floor + 18, "text-anchor": "middle" })).textContent = tick.text;
        });
        ticks(view.y[0] * factor, view.y[1] * factor, Math.max(3, Math.round((floor - top) / 52))).forEach(function (tick) {
          var y = floor - (tick.at / factor - view.y[0]) / (view.y[1] - view.y[0]) * (floor - top);
          ys.appendChild(element("line", { "class": "grid", x1: left - 6, x2: right + 6, y1: y, y2: y }));
          ys.appendChild(element("text", { "class": "tick", x: left - 14, y: y + 4, "text-anchor": "end" })).textContent = tick.text;
        });
      }
      hide();
    }

    // From x to x; the height follows what is visible there.
    self.zoom = function (from, to) {
      var least = curves.whole ? 1 : (home.x[1] - home.x[0]) / 50;
      from = Math.max(home.x[0], from);
      to = Math.min(home.x[1], to);
      if (!(to - from >= least)) { return; }
      var low = Infinity, high = -Infinity;
      visible().forEach(function (s) {
        s.x.forEach(function (x, k) {
          if (x >= from - 1e-9 && x <= to + 1e-9) { low = Math.min(low, s.low[k]); high = Math.max(high, s.high[k]); }
        });
      });
      // Nothing is drawn beyond the frame, where bands and wild values end.
      low = Math.max(low, home.y[0]);
      high = Math.min(high, home.y[1]);
      if (!(high > low)) { return; }
      var room = (high - low) * 0.05;
      view = from <= home.x[0] && to >= home.x[1] && visible().length === curves.series.length ? home : { x: [from, to], y: [low - room, high + room] };
      move();
    };
    self.step = function (closer) {
      if (!closer) { view = home; move(); return; }
      // What is wanted is mostly how it ended.
      var span = (view.x[1] - view.x[0]) / 2;
      self.zoom(curves.whole ? Math.ceil(view.x[1] - span) : view.x[1] - span, view.x[1]);
    };
    self.shown = function () { return box.closest(".language"); };

    function place(event) {
      var bounds = svg.getBoundingClientRect();
      return (event.clientX - bounds.left) / bounds.width * svg.viewBox.baseVal.width;
    }
    svg.addEventListener("pointerdown", function (event) {
      if (event.button === 0 && event.pointerType === "mouse") { dragFrom = place(event); svg.setPointerCapture(event.pointerId); }
    });
    svg.addEventListener("pointermove", function (event) {
      var x = place(event);
      if (dragFrom !== null && Math.abs(x - dragFrom) > 6) {
        brush.setAttribute("x", Math.max(left, Math.min(x, dragFrom)));
        brush.setAttribute("width", Math.max(0, Math.min(right, Math.max(x, dragFrom)) - Math.max(left, Math.min(x, dragFrom))));
        brush.style.display = "";
        hide();
        return;
      }
      show(nearest(places, valueAt(x)));
    });
    svg.addEventListener("pointerup", function (event) {
      var x = place(event), from = dragFrom;
      dragFrom = null;
      brush.style.display = "none";
      if (from !== null && Math.abs(x - from) > 6) {
        var a = valueAt(Math.min(x, from)), b = valueAt(Math.max(x, from));
        self.zoom(curves.whole ? Math.round(a) : a, curves.whole ? Math.round(b) : b);
      }
    });
    svg.addEventListener("dblclick", function () { self.step(false); });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("keydown", function (event) {
      var last = places.length - 1;
      var next = { ArrowRight: Math.min(at + 1, last), ArrowLeft: at < 0 ? last : Math.max(at - 1, 0), Home: 0, End: last }[event.key];
      if (event.key === "Escape") { hide(); } else if (event.key === "+") { self.step(true); } else if (event.key === "-") { self.step(false); }
      else if (next !== undefined) { event.preventDefault(); show(next); }
    });
  }
  Plot.count = 0;

  // ---- the confusion matrix

  function Matrix(figure) {
    var confusion = data.confusion, box = figure.querySelector(".matrix"), tools = figure.querySelector(".tools");
    if (!confusion || !box) { return; }
    var n = confusion.classes.length;
    var names = confusion.classes;
    var recipes = confusion.recipes.map(function (recipe) {
      var cells = new Map(), at = 0;
      for (var k = 0; k < recipe.cells.length; k += 2) { at += recipe.cells[k]; cells.set(at, recipe.cells[k + 1]); }
      return { rows: recipe.rows, cells: cells };
    });
    var part = {};
    all("[data-role]", tools).forEach(function (tool) { part[tool.dataset.role] = tool; });
    var list = document.createElement("datalist");
    list.id = part.find.getAttribute("list");
    names.forEach(function (name) { list.appendChild(document.createElement("option")).value = name; });
    tools.appendChild(list);
    var canvas = document.createElement("canvas"), reading = document.createElement("p");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", box.dataset.label);
    reading.className = "reading";
    reading.setAttribute("role", "status");
    var still = box.querySelector("svg");
    still.style.display = "none";
    box.append(canvas, reading);
    tools.hidden = false;
    var given = names.map(function (_, k) { return k; });
    var order = confusion.similar, recipe = recipes[0], zoom = 1, from = [0, 0], cell = null, drag = null;
    var labels = 150, context = canvas.getContext("2d"), side = 0;

    function size() { return Math.max(1, Math.round(n / zoom)); }
    function clampFrom() { from = from.map(function (v) { return Math.max(0, Math.min(v, n - size())); }); }
    function draw() {
      var dense = window.devicePixelRatio || 1, width = box.clientWidth;
      if (!width) { return; }
      clampFrom();
      var seen = size();
      var room = Math.min(labels, width * 0.3);
      side = Math.min(width - room - 2, 760);
      var step = side / seen, legible = step >= 9.5;
      var total = [room + side + 1, room + side + 1];
      canvas.width = total[0] * dense;
      canvas.height = total[1] * dense;
      canvas.style.width = total[0] + "px";
      canvas.style.height = total[1] + "px";
      context.setTransform(dense, 0, 0, dense, 0, 0);
      var style = getComputedStyle(root);
      var paint = function (name) { return style.getPropertyValue("--" + name).trim(); };
      context.fillStyle = paint("card");
      context.fillRect(room, room, side, side);
      for (var r = 0; r < seen; r += 1) {
        for (var c = 0; c < seen; c += 1) {
          var truth = order[from[1] + r], predicted = order[from[0] + c];
          var count = recipe.cells.get(truth * n + predicted);
          if (!count) { continue; }
          // Even a single confusion is to be seen; the square root keeps the small ones apart beside a diagonal near one.
          context.globalAlpha = 0.18 + 0.82 * Math.sqrt(Math.min(1, count / recipe.rows[truth]));
          context.fillStyle = paint(truth === predicted ? "c0" : "c1");
          context.fillRect(room + c * step, room + r * step, Math.max(step - (step > 5 ? 0.6 : 0), 0.6), Math.max(step - (step > 5 ? 0.6 : 0), 0.6));
        }
      }
      context.globalAlpha = 1;
      context.strokeStyle = paint("rule");
      context.strokeRect(room + 0.5, room + 0.5, side - 1, side - 1);
      context.textBaseline = "middle";
      var every = legible ? 1 : Math.ceil(9.5 / step);
      context.font = Math.max(8, Math.min(12, step * every * 0.8)) + "px Inter, system-ui, sans-serif";
      for (var k = 0; k < seen; k += every) {
        var marked = cell && (cell[1] === from[1] + k), across = cell && (cell[0] === from[0] + k);
        context.save();
        context.beginPath();
        context.rect(0, 0, total[0], total[1]);
        context.clip();
        context.fillStyle = paint(marked ? "ink" : "muted");
        context.textAlign = "right";
        context.fillText(cut(names[order[from[1] + k]], room - 8), room - 5, room + (k + 0.5) * step);
        context.translate(room + (k + 0.5) * step, room - 5);
        context.rotate(-Math.PI / 2);
        context.fillStyle = paint(across ? "ink" : "muted");
        context.textAlign = "left";
        context.fillText(cut(names[order[from[0] + k]], room - 8), 0, 0);
        context.restore();
      }
      if (cell) {
        context.strokeStyle = paint("ink");
        context.lineWidth = 1.5;
        context.strokeRect(room + (cell[0] - from[0]) * step, room + (cell[1] - from[1]) * step, Math.max(step, 3), Math.max(step, 3));
        context.lineWidth = 1;
      }
      canvas.geometry = { room: room, step: step };
    }
    // In the middle: what tells long names apart stands at either end. By whole characters as people count them.
    function cut(text, room) {
      if (context.measureText(text).width <= room) { return text; }
      var parts = window.Intl && Intl.Segmenter ? Array.from(new Intl.Segmenter().segment(text), function (s) { return s.segment; }) : Array.from(text);
      for (var kept = parts.length - 1; kept > 1; kept -= 1) {
        var shorter = parts.slice(0, Math.ceil(kept / 2)).join("").trimEnd() + "…" + parts.slice(parts.length - Math.floor(kept / 2)).join("").trimStart();
        if (context.measureText(shorter).width <= room) { return shorter; }
      }
      return parts[0] + "…";
    }
    // Which class's name is pointed at, so that all of it shows.
    function pointed(event) {
      var bounds = canvas.getBoundingClientRect(), g = canvas.geometry;
      var at = [event.clientX - bounds.left - g.room, event.clientY - bounds.top - g.room];
      var axis = at[0] < 0 && at[1] >= 0 ? 1 : at[1] < 0 && at[0] >= 0 ? 0 : -1;
      var place = axis < 0 ? n : from[axis] + Math.floor(at[axis] / g.step);
      return place < n ? names[order[place]] : "";
    }
    function read() {
      if (!cell) { reading.textContent = "\u00a0"; return; }
      var truth = order[cell[1]], predicted = order[cell[0]];
      var count = recipe.cells.get(truth * n + predicted) || 0, of = recipe.rows[truth];
      reading.textContent = fill(truth === predicted ? box.dataset.right : box.dataset.cell, {
        "true": names[truth], predicted: names[predicted], n: count, all: of, share: of ? (count / of * 100).toFixed(1) + "\u00a0%" : "–"
      });
    }
    function locate(event) {
      var bounds = canvas.getBoundingClientRect(), g = canvas.geometry;
      return [event.clientX - bounds.left, event.clientY - bounds.top].map(function (v, axis) {
        return Math.max(from[axis], Math.min(from[axis] + size() - 1, from[axis] + Math.floor((v - g.room) / g.step)));
      });
    }
    function magnify(factor, about) {
      about = about || cell || [from[0] + size() / 2, from[1] + size() / 2];
      var before = size(), share = [(about[0] - from[0]) / before, (about[1] - from[1]) / before];
      zoom = Math.max(1, Math.min(zoom * factor, n / 4));
      from = from.map(function (_, axis) { return Math.round(about[axis] - share[axis] * size()); });
      draw();
    }
    canvas.addEventListener("pointerdown", function (event) { drag = { x: event.clientX, y: event.clientY, from: from.slice() }; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointerup", function () { drag = null; });
    canvas.addEventListener("pointermove", function (event) {
      canvas.title = pointed(event);
      if (drag && zoom > 1) {
        var step = canvas.geometry.step;
        from = [drag.from[0] - Math.round((event.clientX - drag.x) / step), drag.from[1] - Math.round((event.clientY - drag.y) / step)];
      } else {
        cell = locate(event);
      }
      draw();
      read();
    });
    canvas.addEventListener("wheel", function (event) {
      if (!event.ctrlKey && !event.metaKey) { return; }
      event.preventDefault();
      magnify(event.deltaY < 0 ? 1.25 : 0.8, locate(event));
    }, { passive: false });
    canvas.addEventListener("keydown", function (event) {
      var move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
      if (event.key === "+" || event.key === "=") { magnify(1.5); } else if (event.key === "-") { magnify(1 / 1.5); }
      if (!move) { return; }
      event.preventDefault();
      cell = cell ? [0, 1].map(function (a) { return Math.max(0, Math.min(n - 1, cell[a] + move[a])); }) : [0, 0];
      from = from.map(function (v, a) { return cell[a] < v ? cell[a] : cell[a] >= v + size() ? cell[a] - size() + 1 : v; });
      draw();
      read();
    });
    part.recipe.addEventListener("change", function () { recipe = recipes[+part.recipe.value]; draw(); read(); });
    part.order.addEventListener("change", function () {
      order = { similar: confusion.similar, given: given, hard: confusion.hard }[part.order.value];
      cell = null;
      draw();
      read();
    });
    part.find.addEventListener("input", function () {
      var wanted = part.find.value.trim().toLowerCase();
      var found = wanted ? order.findIndex(function (k) { return names[k].toLowerCase().indexOf(wanted) >= 0; }) : -1;
      if (found < 0) { return; }
      cell = [found, found];
      zoom = Math.max(zoom, Math.min(n / 24, 6), 1);
      from = [Math.round(found - size() / 2), Math.round(found - size() / 2)];
      draw();
      read();
    });
    part.in.addEventListener("click", function () { magnify(1.5); });
    part.out.addEventListener("click", function () { magnify(1 / 1.5); });
    read();
    draw();
    this.draw = draw;
  }

  // ---- taking things away: charts as SVG and PNG, tables as CSV

  function save(name, blob) {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }
  function alone(svg) {
    var copy = svg.cloneNode(true);
    copy.setAttribute("xmlns", SVG);
    all(".cursor, .brush", copy).forEach(function (part) { part.remove(); });
    root.classList.forEach(function (name) {
      if (name.indexOf("hide-") === 0) { all("." + name.slice(5), copy).forEach(function (part) { part.remove(); }); }
    });
    var style = element("style", {});
    var face = document.querySelector("style").textContent.match(/@font-face\{[^}]*\}/);
    style.textContent = (face ? face[0] : "") + data.style;
    var paper = element("rect", { "class": "paper", width: "100%", height: "100%" });
    copy.insertBefore(paper, copy.firstChild);
    copy.insertBefore(style, copy.firstChild);
    return new XMLSerializer().serializeToString(copy);
  }
  function png(svg, name) {
    var box = svg.viewBox.baseVal, picture = new Image();
    var url = URL.createObjectURL(new Blob([alone(svg)], { type: "image/svg+xml" }));
    picture.onload = function () {
      var canvas = document.createElement("canvas");
      canvas.width = box.width * 2;
      canvas.height = box.height * 2;
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(url);
      canvas.toBlob(function (blob) { if (blob) { save(name, blob); } });
    };
    picture.src = url;
  }
  // A cell that a spreadsheet would take for a formula is made text; numbers stay numbers.
  function text(cell) { return /^[=+\-@\t\r\n＝＋－＠]/.test(cell) && !isFinite(cell) ? "'" + cell : cell; }
  function csv(table) {
    var quote = function (text) { return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text; };
    var rows = [all("thead th", table).map(function (head) { return head.dataset.k; })];
    all("tbody tr", table).forEach(function (row) {
      rows.push(Array.prototype.map.call(row.cells, function (cell) { return text("v" in cell.dataset ? cell.dataset.v : cell.textContent); }));
    });
    return rows.map(function (row) { return row.map(quote).join(","); }).join("\r\n") + "\r\n";
  }
  function saver(kinds) {
    var bar = document.createElement("div");
    bar.className = "save";
    Object.keys(kinds).forEach(function (kind) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = kind;
      button.addEventListener("click", kinds[kind]);
      bar.appendChild(button);
    });
    return bar;
  }

  // ---- all of it, again for every new page of a live run

  var plots = [], matrices = [];
  function begin() {
    data = JSON.parse(document.getElementById("values").textContent);
    plots = all("svg[data-plot]").map(function (svg) { return new Plot(svg); });
    matrices = all("figure.confusion").map(function (figure) { return new Matrix(figure); });
    all(".switch button").forEach(function (button) {
      button.addEventListener("click", function () { speak(button.dataset.language); redraw(); });
    });
    all(".keys button[data-toggle]").forEach(function (button) {
      button.addEventListener("click", function () { press(button.dataset.toggle, button.getAttribute("aria-pressed") === "true"); });
    });
    all(".keys button[data-zoom]").forEach(function (button) {
      button.addEventListener("click", function () {
        plots.forEach(function (plot) { if (plot.step) { plot.step(button.dataset.zoom === "in"); } });
      });
    });
    all("figure .chart[data-name]").forEach(function (chart) {
      var svg = chart.querySelector("svg.fig"), name = chart.dataset.name;
      chart.appendChild(saver({
        SVG: function () { save(name + ".svg", new Blob([alone(svg)], { type: "image/svg+xml" })); },
        PNG: function () { png(svg, name + ".png"); }
      }));
    });
    all("table[data-name]").forEach(function (table) {
      table.parentNode.appendChild(saver({ CSV: function () { save(table.dataset.name + ".csv", new Blob(["\ufeff" + csv(table)], { type: "text/csv" })); } }));
    });
  }
  function redraw() { matrices.forEach(function (matrix) { if (matrix.draw) { matrix.draw(); } }); }

  root.classList.add("js");
  begin();
  window.addEventListener("resize", redraw);
  window.matchMedia("(prefers-color-scheme:dark)").addEventListener("change", redraw);
  window.addEventListener("beforeprint", function () { all("details").forEach(function (part) { part.open = true; }); });
  if (location.hash.slice(-3) === "-ko") { speak("ko"); redraw(); document.querySelector(location.hash)?.scrollIntoView(); }

  // ---- a run still going on

  if (document.body.hasAttribute("data-live")) {
    var known = null;
    (function ask() {
      fetch("/state").then(function (answer) { return answer.json(); }).then(function (state) {
        var bar = document.querySelector(".live") || document.body.insertBefore(document.createElement("div"), document.body.firstChild);
        bar.className = "live";
        bar.setAttribute("role", "status");
        bar.textContent = state.text[root.lang] || state.text.en;
        bar.style.setProperty("--w", state.share * 100 + "%");
        if (known === null) { known = state.version; }
        if (state.version === known) { return; }
        return fetch("/").then(function (answer) { return answer.text(); }).then(function (text) {
          known = state.version;
          var language = root.lang, fresh = new DOMParser().parseFromString(text, "text/html");
          var scroll = [window.scrollX, window.scrollY];
          document.body.replaceChildren.apply(document.body, [bar].concat(Array.prototype.slice.call(fresh.body.childNodes)));
          begin();
          speak(language);
          all(".keys button[data-toggle]").forEach(function (button) {
            button.setAttribute("aria-pressed", String(!root.classList.contains("hide-" + button.dataset.toggle)));
          });
          redraw();
          window.scrollTo(scroll[0], scroll[1]);
        });
      }).catch(function () {
        var bar = document.querySelector(".live");
        if (bar) { bar.classList.add("gone"); }
      }).finally(function () { setTimeout(ask, 2000); });
    })();
  }
})();
