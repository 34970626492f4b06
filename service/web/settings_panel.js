// A run's settings: found by a filter, and compared with another run's.

import { api } from "./api.js";
import { h, patch } from "./dom.js";
import * as format from "./format.js";
import { live } from "./live.js";

export class SettingsPanel {
  #id;
  #run = null;
  #other = "";
  #difference = null;
  #problem = "";
  #filter = h("input", { id: "filter-settings", type: "search", spellcheck: "false", oninput: () => this.#draw() });
  #choice = h("select", { id: "against", onchange: () => this.#compare() });
  #content = h("div", { class: "settings", tabindex: 0, role: "group", "aria-label": "Settings" });

  constructor(id) {
    this.#id = id;
    this.element = h("section", { "aria-labelledby": "settings" },
      h("h2", { id: "settings" }, "Settings"),
      h("div", { class: "toolbar" },
        h("label", { for: "filter-settings" }, "Filter"), this.#filter,
        h("label", { for: "against" }, "Difference from"), this.#choice),
      this.#content);
  }

  setRun(run) {
    this.#run = run;
    this.#draw();
  }

  async #compare() {
    this.#other = this.#choice.value;
    this.#difference = null;
    this.#problem = "";
    const other = this.#other;
    if (other) {
      try {
        const { difference } = await api.run(this.#id, other);
        if (other !== this.#other) return;
        this.#difference = difference;
      } catch (error) {
        if (other !== this.#other) return;
        this.#problem = error.message;
      }
    }
    this.#draw();
  }

  #draw() {
    const others = [...live.runs.keys()].filter((id) => id !== this.#id).sort();
    patch(this.#choice, h("option", { value: "" }, "no other run"), others.map((id) => h("option", { value: id, "data-key": id }, id)));
    const wanted = this.#filter.value.toLowerCase();
    const fits = (key) => key.toLowerCase().includes(wanted);
    if (this.#problem) patch(this.#content, h("p", { class: "problem" }, this.#problem));
    else if (this.#difference) patch(this.#content, this.#differences(fits));
    else patch(this.#content, this.#all(fits));
  }

  #all(fits) {
    const rows = Object.entries(this.#run?.settings ?? {}).filter(([key, value]) => fits(`${key} ${value}`));
    if (!rows.length) return h("p", { class: "empty small" }, "No setting fits.");
    return h("table", { "aria-label": "Settings" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Setting"), h("th", { scope: "col" }, "Value"))),
      h("tbody", null, rows.map(([key, value]) => h("tr", { "data-key": key },
        h("th", { scope: "row", class: "code" }, key), h("td", { class: "code" }, format.setting(value))))));
  }

  #differences(fits) {
    const rows = this.#difference.filter(({ key }) => fits(key));
    if (!rows.length) return h("p", { class: "empty small" }, `No setting differs from ${this.#other}'s.`);
    const value = (one) => h("td", { class: "code" }, one == null ? h("span", { class: "minor" }, "not there") : format.setting(one));
    return h("table", { "aria-label": `Settings that differ from ${this.#other}'s` },
      h("thead", null, h("tr", null, ["Setting", "This run", this.#other].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", null, rows.map((row) => h("tr", { "data-key": row.key },
        h("th", { scope: "row", class: "code" }, row.key), value(row.this), value(row.other)))));
  }
}
