using System.Text.Encodings.Web;
using MetricsOperator.Server.Config;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>One page without a framework: a form that runs a query, and links to what else there is.</summary>
internal sealed class StartPage(ServerFlags flags)
{
    private const string Template = """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>@TITLE@</title>
        <style>
        body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c2430;background:#fff}
        textarea{width:100%;box-sizing:border-box;font:14px/1.4 ui-monospace,monospace;padding:.5rem}
        table{border-collapse:collapse;width:100%;margin-top:1rem}td{border-top:1px solid #d8dee6;padding:.3rem .5rem;font:13px ui-monospace,monospace;word-break:break-all}
        td:last-child{text-align:right;white-space:nowrap}#error{color:#a11;white-space:pre-wrap}ul{columns:2}button{font:inherit;padding:.3rem 1rem}
        @media(prefers-color-scheme:dark){body{color:#dde3ea;background:#161b22}a{color:#7cb7ff}td{border-color:#333c48}textarea,button{background:#0d1117;color:inherit;border:1px solid #444}}
        </style></head><body>
        <h1>@TITLE@</h1>
        <form id="form"><label for="query">PromQL</label><textarea id="query" rows="2" placeholder="up"></textarea><button>Run</button></form>
        <p id="error" role="alert"></p><table id="result"></table>
        <ul>
        <li><a href="@PREFIX@/api/v1/targets">Targets</a></li><li><a href="@PREFIX@/api/v1/status/config">Configuration</a></li>
        <li><a href="@PREFIX@/api/v1/status/flags">Flags</a></li><li><a href="@PREFIX@/api/v1/status/runtimeinfo">Runtime</a></li>
        <li><a href="@PREFIX@/api/v1/status/tsdb">Storage</a></li><li><a href="@PREFIX@/api/v1/labels">Label names</a></li>
        <li><a href="@PREFIX@/api/v1/metadata">Metric metadata</a></li><li><a href="@PREFIX@/metrics">Own metrics</a></li>
        <li><a href="@PREFIX@/-/ready">Ready</a></li><li><a href="@PREFIX@/-/healthy">Healthy</a></li>
        </ul>
        <script>
        const byId=id=>document.getElementById(id),query=byId('query'),table=byId('result'),error=byId('error');
        const name=m=>{const {__name__:n='',...rest}=m;return n+'{'+Object.entries(rest).map(([k,v])=>k+'='+JSON.stringify(v)).join(', ')+'}'};
        const row=(a,b)=>{const r=table.insertRow();r.insertCell().textContent=a;r.insertCell().textContent=b};
        const show=d=>{table.replaceChildren();
          if(d.resultType==='scalar'||d.resultType==='string')return row(d.resultType,d.result[1]);
          for(const s of d.result)row(name(s.metric),s.value?s.value[1]:s.histogram?JSON.stringify(s.histogram[1]):(s.values||s.histograms).map(v=>JSON.stringify(v[1])+' @'+v[0]).join('\n'));
          if(!d.result.length)row('(empty result)','')};
        async function run(){error.textContent='';try{
          const r=await(await fetch('@PREFIX@/api/v1/query',{method:'POST',headers:{'X-MetricsOperator-Ignore-Usage':'1'},body:new URLSearchParams({query:query.value})})).json();
          if(r.status!=='success')throw new Error(r.errorType+': '+r.error);
          error.textContent=(r.warnings||[]).concat(r.infos||[]).join('\n');show(r.data)}catch(e){table.replaceChildren();error.textContent=e.message}}
        byId('form').addEventListener('submit',e=>{e.preventDefault();location.hash=encodeURIComponent(query.value);run()});
        query.addEventListener('keydown',e=>{if(e.key==='Enter'&&!e.shiftKey){e.preventDefault();byId('form').requestSubmit()}});
        if(location.hash.length>1){query.value=decodeURIComponent(location.hash.slice(1));run()}
        </script></body></html>
        """;

    private readonly string _html = Template
        .Replace("@TITLE@", HtmlEncoder.Default.Encode(flags.PageTitle), StringComparison.Ordinal)
        .Replace("@PREFIX@", HtmlEncoder.Default.Encode(flags.RoutePrefix), StringComparison.Ordinal);

    public Task GetAsync(HttpContext context)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(_html, context.RequestAborted);
    }
}
