using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using MLNet.Ssl;

namespace EmbeddingService;

/// <summary>
/// POST /embed takes an image, as the body or as a file of a form, and gives its embedding; GET /health says that the
/// service is there.
/// </summary>
public static class EmbeddingApp
{
    private sealed record Embedded(int Dimension, float[] Embedding);

    private sealed record Health(string Status, string Model, int Queued);

    /// <summary>Builds the service; the caller starts it, and disposes of the model when it has stopped.</summary>
    public static WebApplication Create(ServedModel model, ServiceOptions options)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls(options.Url);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = options.MaxUploadBytes;
            kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
            kestrel.Limits.KeepAliveTimeout = options.KeepAlive;
            kestrel.Limits.RequestHeadersTimeout = options.HeadersTimeout;
        });
        var batcher = new EmbeddingBatcher(model.Encoder, options);
        builder.Services.AddHostedService(_ => batcher);

        var app = builder.Build();
        var held = new HeldBytes(options.HeldBytes);
        app.MapPost("/embed", Task<IResult> (HttpContext context, CancellationToken _) =>
            EmbedAsync(context, batcher, held, options));
        app.MapGet("/health", () => Results.Ok(new Health("ok", model.Description, batcher.QueueLength)));
        return app;
    }

    private static async Task<IResult> EmbedAsync(
        HttpContext context, EmbeddingBatcher batcher, HeldBytes held, ServiceOptions options)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(options.Deadline);
        if (!MayBeImage(context.Request))
            return Problem(StatusCodes.Status415UnsupportedMediaType,
                $"'{context.Request.ContentType}' is no image and no form.");
        UploadedImage image;
        HeldBytes.Body? body = null;
        try
        {
            var (source, isThere) = await OpenAsync(context.Request, deadline.Token);
            if (!isThere) return Problem(StatusCodes.Status400BadRequest,
                "The form has no file; expected one, an image.");
            body = await held.ReadAsync(source, deadline.Token);
            if (body is null) return Busy(context, "Too many uploads are held");
            image = UploadedImage.Recognise(body.ToArray());
        }
        catch (BadHttpRequestException e)
        {
            bool large = e.StatusCode == StatusCodes.Status413PayloadTooLarge;
            return Problem(e.StatusCode, large ? $"The upload has more than {options.MaxUploadBytes} bytes."
                : e.Message);
        }
        catch (OperationCanceledException)
        {
            return Problem(StatusCodes.Status408RequestTimeout,
                $"The upload took more than {options.Deadline.TotalSeconds} seconds.");
        }
        // What is no form makes its reader throw more than is documented.
        catch (Exception e) when (e is InvalidDataException or IOException or InvalidOperationException
            or ArgumentException or FormatException)
        {
            body?.Dispose();
            return Problem(StatusCodes.Status400BadRequest, $"The upload cannot be read as an image: {e.Message}");
        }
        using (body) return await EmbedAsync(context, image, batcher, options, deadline.Token);
    }

    private static async Task<IResult> EmbedAsync(
        HttpContext context, UploadedImage image, EmbeddingBatcher batcher, ServiceOptions options,
        CancellationToken deadline)
    {
        var header = image.Header;
        if (image.Pixels > Math.Min(options.MaxPixels, RgbImages.MaxPixels))
            return Problem(StatusCodes.Status413PayloadTooLarge, $"The image has {header.Width}×{header.Height} pixels"
                + $"{(header.Frames > 1 ? $" in {header.Frames} frames" : "")}; at most {options.MaxPixels} are "
                + "taken.");
        if (header.EndsEarly)
            return Problem(StatusCodes.Status400BadRequest,
                $"The {header.Format} image ends early, after {image.Bytes.Length} bytes.");
        if (batcher.TryEmbed(image, deadline) is not { } embedding) return Busy(context, "Too many images are waiting");
        try
        {
            var values = await embedding;
            return Results.Ok(new Embedded(values.Length, values));
        }
        catch (InvalidDataException e)
        {
            return Problem(StatusCodes.Status400BadRequest, $"The image cannot be read: {e.Message}");
        }
        catch (OperationCanceledException)
        {
            return Busy(context, deadline.IsCancellationRequested
                ? $"It took more than {options.Deadline.TotalSeconds} seconds" : "The service is stopping");
        }
    }

    /// <summary>
    /// False for types that say that there is no image. curl --data-binary calls its body a form, one that is no
    /// multipart.
    /// </summary>
    private static bool MayBeImage(HttpRequest request) =>
        !MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        || type.Type.Equals("image", StringComparison.OrdinalIgnoreCase)
        || type.MediaType.Value?.ToLowerInvariant() is "application/octet-stream" or "multipart/form-data"
            or "application/x-www-form-urlencoded";

    private static async Task<(Stream Source, bool IsThere)> OpenAsync(HttpRequest request, CancellationToken cancelled)
    {
        if (request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) != true)
            return (request.Body, true);
        var form = await request.ReadFormAsync(cancelled);
        return form.Files.Count == 0 ? (Stream.Null, false) : (form.Files[0].OpenReadStream(), true);
    }

    private static IResult Busy(HttpContext context, string reason)
    {
        context.Response.Headers.RetryAfter = "1";
        return Problem(StatusCodes.Status503ServiceUnavailable, $"{reason}; come again in a second.");
    }

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);
}
