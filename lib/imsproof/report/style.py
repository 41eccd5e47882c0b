"""The look of ``summary.html``: calm and dense, light and dark, readable on paper and on a telephone."""

STYLE = """
:root{--bg:#fbfbfc;--card:#fff;--ink:#1b2330;--dim:#5d6878;--line:#dde2e9;--link:#1f57b8;--soft:#f1f4f8;
--pass:#1a7f4b;--remark:#5f7f1a;--fail:#c0291d;--inc:#b3610b;--err:#7c3aa8;--na:#8590a0}
@media (prefers-color-scheme:dark){:root{--bg:#12161c;--card:#191f27;--ink:#e3e8ee;--dim:#97a3b4;--line:#2c3541;
--link:#86b1ff;--soft:#202833;--pass:#4cc084;--remark:#a9c25a;--fail:#ff7a6b;--inc:#f0a858;--err:#c79bea;--na:#7d8898}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Liberation Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:1040px;margin:0 auto;padding:28px 20px 60px}
a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:2px}
h1{font-size:26px;line-height:1.25;margin:2px 0 6px;display:flex;flex-wrap:wrap;gap:12px;align-items:center}
h2{font-size:15px;letter-spacing:.02em;margin:30px 0 10px}
p{margin:4px 0}.brand{color:var(--dim);font-size:13px}.lead{font-size:16px}
code,small,.n,.time,td,.facts dd{font-variant-numeric:tabular-nums}
code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.88em;background:var(--soft);border-radius:4px;
padding:1px 5px}
.badge{display:inline-block;font-size:12px;font-weight:600;line-height:1.5;padding:1px 8px;border-radius:4px;
border:1px solid currentColor;white-space:nowrap}
.badge.big{font-size:17px;padding:3px 12px;border-width:2px}
.badge.pass,td.pass{color:var(--pass)}.badge.pass-with-remark,td.pass-with-remark{color:var(--remark)}
.badge.fail,td.fail{color:var(--fail)}.badge.inconclusive,td.inconclusive{color:var(--inc)}
.badge.error,td.error{color:var(--err)}.badge.not-applicable,td.not-applicable{color:var(--na)}
.bar{display:flex;gap:2px;height:10px;margin:16px 0 8px;border-radius:5px;overflow:hidden;background:var(--soft)}
.bar i,.dot{background:var(--na)}.bar .pass,.dot.pass{background:var(--pass)}
.bar .pass-with-remark,.dot.pass-with-remark{background:var(--remark)}.bar .fail,.dot.fail{background:var(--fail)}
.bar .inconclusive,.dot.inconclusive{background:var(--inc)}.bar .error,.dot.error{background:var(--err)}
.dot{display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:6px}
ul{list-style:none;margin:0;padding:0}.legend{display:flex;flex-wrap:wrap;gap:4px 20px;font-size:14px}
.legend .n{font-weight:650}
.facts{display:flex;flex-wrap:wrap;gap:6px 26px;margin:16px 0 0;padding:12px 0 0;border-top:1px solid var(--line)}
.facts dt{color:var(--dim);font-size:12px}.facts dd{margin:0;font-size:14px}
.attention{margin-top:26px;padding:2px 16px 12px;border:1px solid var(--line);border-left:4px solid var(--fail);
border-radius:6px;background:var(--card)}.attention h2{margin:12px 0 6px}.attention li{padding:3px 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:14px;width:100%}
th,td{text-align:left;padding:4px 10px;border-bottom:1px solid var(--line);vertical-align:top;font-weight:400}
thead th{color:var(--dim);font-size:12px;white-space:nowrap}
.families td,.families thead th+th{text-align:right;width:13%}.families td{font-weight:600}
.families td.zero{color:var(--line);font-weight:400}tbody th{white-space:nowrap;font-weight:600}
.purpose{background:var(--card);border:1px solid var(--line);border-radius:6px;margin:0 0 6px}
.purpose.fail{border-left:4px solid var(--fail)}.purpose.inconclusive{border-left:4px solid var(--inc)}
.purpose.error{border-left:4px solid var(--err)}
summary{cursor:pointer;padding:8px 12px}
.purpose>summary{display:flex;flex-wrap:wrap;gap:4px 10px;align-items:baseline}
.purpose>summary::-webkit-details-marker{display:none}.purpose>summary b{white-space:nowrap}
.purpose>summary .title{flex:1 1 300px}.time{color:var(--dim);font-size:13px;white-space:nowrap}
.body{padding:2px 14px 12px;border-top:1px solid var(--line)}
.body dl{display:grid;grid-template-columns:104px 1fr;gap:8px 14px;margin:10px 0}
.body dt{color:var(--dim);font-size:13px;padding-top:1px}.body dd{margin:0;min-width:0}.body dd p{margin:0}
.judgements li{display:flex;gap:8px;padding:1px 0}.judgements b{flex:0 0 1em;text-align:center}
.judgements .good b{color:var(--pass)}.judgements .bad b{color:var(--fail)}.judgements .unsure b{color:var(--inc)}
.role{flex:0 0 52px;color:var(--dim);font-size:13px;padding-top:1px}small{color:var(--dim);font-size:12px}
.reason{margin-top:4px!important;padding-top:4px;border-top:1px dotted var(--line);color:var(--dim)}
.cite{display:inline-block;margin-right:14px}
.checked{font-style:normal;font-size:11px;color:var(--dim);border:1px solid var(--line);border-radius:3px;padding:0 4px}
.checked.text,.checked.quote{color:var(--pass);border-color:currentColor}
.checked.unchecked{color:var(--inc);border-color:currentColor}
.ladder summary{padding:6px 0;color:var(--link)}.ladder img{display:block;max-width:none;border:1px solid var(--line);
border-radius:4px}
.absent{margin-top:18px;border:1px solid var(--line);border-radius:6px;background:var(--card)}
.undecided{color:var(--inc)}
footer{margin-top:36px;border-top:1px solid var(--line);color:var(--dim);font-size:13.5px}
footer .two{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:6px 30px;margin-top:10px}
footer li{padding:2px 0}
@media (max-width:560px){main{padding:16px 10px 40px}h1{font-size:21px}.body dl{grid-template-columns:1fr;gap:2px}
.body dd{margin-bottom:8px}.families td,.families th{padding:4px 3px;font-size:12.5px}
.families thead th{font-size:10px}}
@media print{:root{--bg:#fff;--card:#fff}body{font-size:11px}main{max-width:none;padding:0}
.purpose,.attention{break-inside:avoid}.ladder img{max-width:100%}a{color:inherit}}
"""
