"""Rows and figures of a run: printed as a table, kept as JSON lines and as a table for plotting."""
import json

COLUMNS = ("part", "name", "operation", "connections", "depth", "document_bytes", "against", "per_second", "against_per_second", "ratio", "aim", "met",
           "p50_us", "p99_us", "p999_us", "max_us", "against_p50_us", "against_p99_us")

BEGIN_MARK = "<!-- figures -->"
END_MARK = "<!-- end of figures -->"


class Report:
    def __init__(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.lines = (directory / "results.jsonl").open("w")
        self.part = ""
        self.rows = []
        self.figures = []
        self.missed = []

    def note(self, kind, **fields):
        """One JSON line."""
        self.lines.write(json.dumps({"kind": kind, **fields}) + "\n")
        self.lines.flush()

    def heading(self, text):
        """Of the rows and figures that follow."""
        self.part = text
        print(f"\n{text:<38}{'per second':>11}{'other':>11}{'ratio':>7}{'aim':>10}{'':5}{'p50 us':>9}{'p99 us':>9}{'p99/p50':>8}", flush=True)

    def row(self, name, measured, against=None, other=None, aim=None):
        """`measured` beside `other`, a measurement or a plain rate; `aim` is for their ratio, or for the rate where there is no other."""
        other = other if isinstance(other, dict) or other is None else {"per_second": other}
        ratio = measured["per_second"] / other["per_second"] if other else None
        met = None if aim is None else (measured["per_second"] if ratio is None else ratio) >= aim
        row = {"part": self.part, "name": name, **measured, "against": against, "ratio": ratio and round(ratio, 3), "aim": aim, "met": met}
        if other:
            row.update({f"against_{key}": other[key] for key in ("per_second", "p50_us", "p99_us") if key in other})
        self.rows.append(row)
        self.note("row", **row)
        self.judge(name, met)
        print(self.text_of(row), flush=True)

    def figure(self, name, value, unit, at_most):
        """One number with a bound of its own."""
        met = value <= at_most
        self.figures.append({"part": self.part, "name": name, "value": round(value, 3), "unit": unit, "at_most": at_most, "met": met})
        self.note("figure", **self.figures[-1])
        self.judge(name, met)
        print(f"  {name}: {value:,.4g}{unit}, at most {at_most:,.4g}: {'yes' if met else 'NO'}", flush=True)

    def judge(self, name, met):
        if met is False:
            self.missed.append(f"{self.part}: {name}")

    @staticmethod
    def text_of(row):
        def number(key, digits=0):
            return "-" if row.get(key) is None else f"{row[key]:,.{digits}f}"
        spread = f"{row['p99_us'] / row['p50_us']:.1f}" if row.get("p50_us") else "-"
        aim = "-" if row["aim"] is None else f"{row['aim']:,.10g}"
        verdict = {None: "", True: "  yes", False: "  NO"}[row["met"]]
        return (f"{row['name']:<38}{number('per_second'):>11}{number('against_per_second'):>11}{number('ratio', 2):>7}{aim:>10}{verdict:5}"
                f"{number('p50_us'):>9}{number('p99_us'):>9}{spread:>8}")

    def write_figures(self, page, where):
        """Replaces what stands between the two marks of a Markdown page."""
        def cell(value, digits=0):
            return "" if value is None else f"{value:,.{digits}f}"
        lines = [f"{where['cpu']}, {where['cpus']} CPUs, Linux {where['kernel']}, {where['file_system']}."]
        part = None
        for row in self.rows:
            if row["part"] != part:
                part = row["part"]
                lines += ["", f"| {part} | per second | other | ratio | aim | p50 us | p99 us |", "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
            lines.append(f"| {row['name']} | {cell(row['per_second'])} | {cell(row.get('against_per_second'))} | {cell(row['ratio'], 2)} "
                         f"| {'' if row['aim'] is None else format(row['aim'], ',.10g')} | {cell(row.get('p50_us'))} | {cell(row.get('p99_us'))} |")
        lines += [""] + [f"- {f['part']}: {f['name']} {f['value']:,.4g}{f['unit']}, at most {f['at_most']:,.4g}" for f in self.figures]
        before, _, rest = page.read_text().partition(BEGIN_MARK)
        _, found, after = rest.partition(END_MARK)
        if not found:
            raise SystemExit(f"bench: {page} lacks the marks between which figures go")
        page.write_text(before + BEGIN_MARK + "\n" + "\n".join(lines).rstrip() + "\n" + END_MARK + after)

    def close(self):
        self.lines.close()
        with (self.directory / "table.tsv").open("w") as table:
            table.write("\t".join(COLUMNS) + "\n")
            for row in self.rows:
                table.write("\t".join("" if row.get(c) is None else str(row[c]) for c in COLUMNS) + "\n")
        if self.missed:
            print("\nmissed:\n  " + "\n  ".join(self.missed))
