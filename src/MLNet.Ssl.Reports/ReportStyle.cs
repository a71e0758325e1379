namespace MLNet.Ssl.Reports;

/// <summary>The style sheet of a report, for light and dark screens.</summary>
internal static class ReportStyle
{
    public const string Css = """
        :root {
          color-scheme: light dark;
          --ground: #f5f5f3; --card: #fff; --text: #1c1d20; --quiet: #5d5f66; --line: #e2e2de;
          --curve: #1f5fbf; --alarm: #b3261e; --other: #a4a6ab;
          --c0: #1f5fbf; --c1: #c2570c; --c2: #1a7f37; --c3: #b3261e; --c4: #7a43b6;
          --c5: #7d5a3c; --c6: #c4327f; --c7: #0b7a83; --c8: #847400; --c9: #3a3f9e;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #131417; --card: #1d1f23; --text: #ececef; --quiet: #a7a9b1; --line: #35373d;
            --curve: #7fb1ff; --alarm: #ff8a80; --other: #6d7078;
            --c0: #7fb1ff; --c1: #ffab66; --c2: #6fd08c; --c3: #ff8a80; --c4: #c5a1ff;
            --c5: #d3ad8a; --c6: #ff94c8; --c7: #62d3dc; --c8: #ddcc55; --c9: #a3a8ff;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; padding: 2.25rem clamp(1rem, 4vw, 3rem) 4rem; background: var(--ground); color: var(--text);
          font: 1rem/1.5 system-ui, "Segoe UI", "Liberation Sans", sans-serif;
        }
        main { max-width: 76rem; margin: 0 auto; }
        h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere; }
        h2 { margin: 2.75rem 0 .9rem; font-size: 1.25rem; }
        h3 { margin: 0; font-size: 1rem; }
        p { margin: 0; color: var(--quiet); }
        .facts { margin-top: .4rem; }
        .lead { margin-bottom: .9rem; max-width: 48rem; }
        .figures {
          display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1rem; margin: 1.5rem 0 0;
        }
        .figures div, .card { background: var(--card); border: 1px solid var(--line); border-radius: .7rem; }
        .figures div { display: flex; flex-direction: column; justify-content: space-between; padding: .8rem 1rem; }
        .figures dt { color: var(--quiet); font-size: .85rem; }
        .figures dd { margin: 0; font-size: 1.45rem; font-weight: 600; font-variant-numeric: tabular-nums; }
        .warnings {
          margin: 1.5rem 0 0; padding: .9rem 1.1rem .9rem 2.2rem; border-left: .3rem solid var(--alarm);
          border-radius: .4rem; background: var(--card);
        }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
        .card { margin: 0; padding: 1rem 1.1rem; min-width: 0; }
        .chart figcaption {
          display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-bottom: .4rem;
        }
        .chart figcaption b { font-variant-numeric: tabular-nums; color: var(--curve); }
        .chart p { font-size: .85rem; }
        svg { display: block; width: 100%; height: auto; }
        svg text { fill: var(--quiet); font-size: 12.5px; font-variant-numeric: tabular-nums; }
        .scatter svg text { font-size: 10.5px; }
        svg text.alarm { fill: var(--alarm); }
        path { fill: none; }
        .grid { stroke: var(--line); }
        .axis { stroke: var(--quiet); opacity: .55; }
        .line { stroke: var(--curve); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        .mark { fill: var(--curve); stroke: var(--card); stroke-width: 1.5; }
        .level { stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 2 4; }
        svg text.level { stroke: none; }
        .strip { fill: transparent; }
        .strip:hover { fill: var(--curve); fill-opacity: .12; }
        path.alarm { stroke: var(--alarm); stroke-width: 1.5; stroke-dasharray: 6 5; }
        .dots { stroke-width: 5.5; stroke-linecap: round; stroke-opacity: .72; }
        .c0 { --colour: var(--c0); } .c1 { --colour: var(--c1); } .c2 { --colour: var(--c2); }
        .c3 { --colour: var(--c3); } .c4 { --colour: var(--c4); } .c5 { --colour: var(--c5); }
        .c6 { --colour: var(--c6); } .c7 { --colour: var(--c7); } .c8 { --colour: var(--c8); }
        .c9 { --colour: var(--c9); }
        .other { --colour: var(--other); }
        .dots { stroke: var(--colour); }
        .legend {
          display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: .8rem 0 0; padding: 0; list-style: none;
          font-size: .9rem;
        }
        .legend:empty { display: none; }
        .legend li::before {
          content: ""; display: inline-block; width: .75rem; height: .75rem; margin-right: .45rem; border-radius: 50%;
          background: var(--colour);
        }
        .views { display: flex; flex-wrap: wrap; align-items: end; gap: .9rem 1.1rem; }
        .views figure { flex: var(--side) 1 calc(var(--side) * 1px); min-width: 3rem; max-width: 15rem; }
        .views + .views { margin-top: 1rem; padding-top: 1rem; border-top: 1px solid var(--line); }
        .views figure { margin: 0; }
        .views img { display: block; width: 100%; border-radius: .3rem; image-rendering: pixelated; }
        .views figcaption { margin-top: .3rem; font-size: .78rem; color: var(--quiet); }
        .attention { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
        .attention img { display: block; width: 100%; image-rendering: pixelated; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: .9rem; }
        th, td {
          padding: .42rem 1.2rem .42rem 0; border-bottom: 1px solid var(--line); text-align: left;
          vertical-align: top;
        }
        tr:last-child > * { border-bottom: 0; }
        thead th { color: var(--quiet); font-weight: 500; }
        tbody th { font-weight: 500; white-space: nowrap; }
        td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
        td + td { color: var(--quiet); }
        th[scope=rowgroup] { padding-top: 1.1rem; color: var(--quiet); }
        /* A drawing that shrinks takes its letters along. */
        @media (max-width: 36rem) {
          svg text { font-size: 16px; }
          .scatter svg text { font-size: 19px; }
          .dots { stroke-width: 9; }
          .settings thead { display: none; }
          .settings tr, .settings th, .settings td { display: block; padding: 0; border: 0; white-space: normal; }
          .settings tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
        }
        """;
}
