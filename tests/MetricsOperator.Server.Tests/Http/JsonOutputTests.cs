using System.IO.Compression;
using System.Text.Json;
using MetricsOperator.Server.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MetricsOperator.Server.Tests.Http;

/// <summary>A large answer leaves in pieces while it is written, a small one in one piece with its length.</summary>
public sealed class JsonOutputTests
{
    private const int Elements = 20_000;
    private static readonly string Element = new('x', 100);

    [Fact]
    public async Task Small_answer_is_one_piece_with_its_length()
    {
        var (context, body) = Context(acceptEncoding: null);
        await WriteAsync(context, 3);
        await context.Response.CompleteAsync();
        Assert.Equal(body.Length, context.Response.ContentLength);
        Assert.Single(body.Pieces);
        Assert.Equal(3, JsonDocument.Parse(body.ToArray()).RootElement.GetArrayLength());
    }

    [Fact]
    public async Task Large_answer_leaves_while_it_is_written()
    {
        var (context, body) = Context(acceptEncoding: null);
        await WriteAsync(context, Elements);
        await context.Response.CompleteAsync();
        Assert.Null(context.Response.ContentLength);
        Assert.InRange(body.Pieces.Max(), 1, 80 * 1024);
        Assert.InRange(body.MostUnsent, 1, 80 * 1024);
        Assert.Equal(Elements, JsonDocument.Parse(body.ToArray()).RootElement.GetArrayLength());
    }

    [Fact]
    public async Task Large_compressed_answer_leaves_while_it_is_written()
    {
        var (context, body) = Context("gzip");
        await WriteAsync(context, Elements);
        await context.Response.CompleteAsync();
        Assert.Equal("gzip", context.Response.Headers.ContentEncoding.ToString());
        Assert.InRange(body.MostUnsent, 1, 80 * 1024);
        using var plain = new GZipStream(new MemoryStream(body.ToArray()), CompressionMode.Decompress);
        Assert.Equal(Elements, JsonDocument.Parse(plain).RootElement.GetArrayLength());
    }

    private static (HttpContext Context, Body Body) Context(string? acceptEncoding)
    {
        var body = new Body();
        var context = new DefaultHttpContext();
        context.Request.Method = HttpMethods.Get;
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        if (acceptEncoding is not null)
        {
            context.Request.Headers.AcceptEncoding = acceptEncoding;
        }

        return (context, body);
    }

    private static async Task WriteAsync(HttpContext context, int elements)
    {
        var body = (Body)((StreamResponseBodyFeature)context.Features.Get<IHttpResponseBodyFeature>()!).Stream;
        await using var output = new JsonOutput(context, StatusCodes.Status200OK);
        output.Writer.WriteStartArray();
        for (var i = 0; i < elements; i++)
        {
            output.Writer.WriteStringValue(Element);
            body.Written += Element.Length + 3;
            await output.FlushIfLargeAsync();
        }

        output.Writer.WriteEndArray();
    }

    /// <summary>Notes what reaches the client, and how much was written and had not at that moment.</summary>
    private sealed class Body : MemoryStream
    {
        private long _seen;

        public List<int> Pieces { get; } = [];

        public long Written { get; set; }

        public long MostUnsent { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer.ToArray(), 0, buffer.Length);

        public override void Write(byte[] buffer, int offset, int count)
        {
            Pieces.Add(count);
            MostUnsent = Math.Max(MostUnsent, Written - _seen);
            _seen = Written;
            base.Write(buffer, offset, count);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }
    }
}
