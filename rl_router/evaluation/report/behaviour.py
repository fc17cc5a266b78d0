"""How the page of an evaluation looks beyond every page's style, and what its few lines of script do.

Legends show, hide and point out routers; headings of tables sort. Without script every router is drawn.
"""

STYLE = """<style>
tr.block th{text-align:left;color:var(--dim);font-weight:600;padding-top:14px;background:var(--paper)}
td.dim{font-size:inherit}td.better{color:var(--cheapest)}td.worse{color:var(--strongest)}
fieldset.legend{gap:4px 16px}fieldset.legend label{white-space:nowrap;cursor:pointer}
fieldset.legend svg{vertical-align:-2px;margin:0 2px 0 4px}fieldset.legend input{accent-color:var(--policy)}
[data-router]{transition:opacity .1s}[data-router].faded{opacity:.12}
table.sortable thead th{cursor:pointer}th[aria-sort=descending]::after{content:' ↓'}
th[aria-sort=ascending]::after{content:' ↑'}
table.pairs,table.heat{font-size:.8rem}table.heat td{padding:6px 3px;min-width:44px}
table.heat.upright td{min-width:32px}table.heat th{padding:5px 3px}
table.pairs td{text-align:center;padding:4px 3px}table.pairs td.no-difference{color:var(--dim)}
table.upright thead th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;vertical-align:bottom;
padding:6px 2px;border:0;white-space:nowrap;max-width:none}
table.upright thead th:first-child{writing-mode:horizontal-tb;transform:none;white-space:normal}
.grid.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,220px),1fr));gap:4px 18px}
.search{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0;align-items:center}
.search input,.search select{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--rule);
border-radius:6px;padding:5px 8px;min-width:0}.search input{flex:1 1 240px}
table.episodes{font-size:.82rem}table.words.episodes td{min-width:0;white-space:nowrap}
table.words.episodes td:last-child{white-space:normal;min-width:280px}
@media(min-width:641px){[data-episodes] .scroll{max-height:85vh;overflow:auto}
table.words.episodes thead th{position:sticky;top:0;background:var(--paper)}}
@media(max-width:640px){
tbody th{white-space:normal;overflow-wrap:anywhere;min-width:104px}.grid.small{grid-template-columns:1fr 1fr}
table.episodes thead{display:none}table.episodes tr{display:flex;flex-wrap:wrap;gap:0 14px;padding:8px 0;
border-bottom:1px solid var(--rule)}table.words.episodes td{display:block;border:0;padding:0;white-space:normal}
table.words.episodes td:last-child{flex-basis:100%;min-width:0}
table.episodes td::before{content:attr(data-name) ' ';color:var(--dim)}
}
</style>"""

SCRIPT = """<script>
for (const box of document.querySelectorAll('[data-frontier]')) {
  const all = box.querySelector('[data-all]'), every = [...box.querySelectorAll('fieldset input[value]')];
  const groups = [...box.querySelectorAll('[data-router]')];
  const show = () => {
    const on = new Set(every.filter(input => input.checked).map(input => input.value));
    for (const group of groups) group.style.display = on.has(group.dataset.router) ? '' : 'none';
    all.checked = on.size === every.length;
  };
  box.addEventListener('change', event => {
    if (event.target === all) for (const input of every) input.checked = all.checked;
    show();
  });
  box.addEventListener('pointerover', event => {
    const name = event.target.closest('label')?.querySelector('input[value]')?.value
      ?? event.target.closest('[data-router]')?.dataset.router;
    for (const group of groups)
      group.classList.toggle('faded', name !== undefined && name !== group.dataset.router);
  });
  box.addEventListener('pointerleave', () => groups.forEach(group => group.classList.remove('faded')));
  show();
}

const number = cell => {
  const found = cell.textContent.replace('−', '-').match(/[-+]?[0-9][0-9,]*[.]?[0-9]*/);
  return found ? parseFloat(found[0].replaceAll(',', '')) : -Infinity;
};
const sort = (table, column, descending) => {
  const body = table.tBodies[0], sign = descending ? -1 : 1;
  const blocks = [[]];
  for (const row of body.rows) row.className === 'block' ? blocks.push([row]) : blocks.at(-1).push(row);
  const order = (a, b) => column === 0 ? sign * a.cells[0].textContent.localeCompare(b.cells[0].textContent)
    : sign * (number(a.cells[column]) - number(b.cells[column])) || 0;
  for (const [first, ...rest] of blocks.filter(rows => rows.length))
    body.append(...(first.className === 'block' ? [first, ...rest.sort(order)] : [first, ...rest].sort(order)));
  [...table.tHead.rows[0].cells].forEach((head, i) => i === column
    ? head.setAttribute('aria-sort', descending ? 'descending' : 'ascending') : head.removeAttribute('aria-sort'));
};
for (const table of document.querySelectorAll('table.sortable'))
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const sortBy = () => {
      const descending = head.ariaSort === null ? column > 0 : head.ariaSort === 'ascending';
      for (const other of (table.closest('[data-group]') ?? table.parentElement).querySelectorAll('table.sortable'))
        sort(other, column, descending);
    };
    head.tabIndex = 0;
    head.addEventListener('click', sortBy);
    head.addEventListener('keydown', event => event.key === 'Enter' && sortBy());
  });
</script>"""
