using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EmbeddingService;

/// <summary>POST /embed takes an image, as the body or as a file of a form, and gives its embedding; GET /health says that the service is there.</summary>
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
            // Bodies that are being read are bounded like those that wait.
            kestrel.Limits.MaxConcurrentConnections = 2 * options.QueueCapacity + 16;
        });
        var batcher = new EmbeddingBatcher(model.Encoder, options);
        builder.Services.AddHostedService(_ => batcher);

        var app = builder.Build();
        app.MapPost("/embed", (HttpContext context, CancellationToken cancelled) => EmbedAsync(context, batcher, options, cancelled));
        app.MapGet("/health", () => Results.Ok(new Health("ok", model.Description, batcher.QueueLength)));
        return app;
    }

    private static async Task<IResult> EmbedAsync(HttpContext context, EmbeddingBatcher batcher, ServiceOptions options, CancellationToken cancelled)
    {
        byte[]? bytes;
        try
        {
            bytes = await ReadAsync(context.Request, cancelled);
        }
        catch (BadHttpRequestException e)
        {
            bool large = e.StatusCode == StatusCodes.Status413PayloadTooLarge;
            return Problem(e.StatusCode, large ? $"The upload has more than {options.MaxUploadBytes} bytes." : e.Message);
        }
        catch (InvalidDataException e)
        {
            return Problem(StatusCodes.Status400BadRequest, $"The form cannot be read: {e.Message}");
        }
        if (bytes is null) return Problem(StatusCodes.Status400BadRequest, "The form has no file; expected one, an image.");
        if (UploadedImage.Recognise(bytes) is not { } image)
            return Problem(StatusCodes.Status400BadRequest, $"The upload of {bytes.Length} bytes is no image; expected a PNG or JPEG file.");
        if (image.Pixels > options.MaxPixels)
            return Problem(StatusCodes.Status413PayloadTooLarge, $"The image has {image.Width}×{image.Height} pixels; at most {options.MaxPixels} are taken.");
        if (batcher.TryEmbed(image, cancelled) is not { } embedding)
        {
            context.Response.Headers.RetryAfter = "1";
            return Problem(StatusCodes.Status503ServiceUnavailable, $"{options.QueueCapacity} images are waiting; come again in a second.");
        }
        try
        {
            var values = await embedding;
            return Results.Ok(new Embedded(values.Length, values));
        }
        catch (InvalidDataException e)
        {
            return Problem(StatusCodes.Status400BadRequest, e.Message);
        }
        catch (OperationCanceledException)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, "The service is stopping.");
        }
    }

    private static async Task<byte[]?> ReadAsync(HttpRequest request, CancellationToken cancelled)
    {
        Stream source = request.Body;
        // curl --data-binary calls its body a form too, one that is no multipart.
        if (request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) == true)
        {
            var form = await request.ReadFormAsync(cancelled);
            if (form.Files.Count == 0) return null;
            source = form.Files[0].OpenReadStream();
        }
        using var bytes = new MemoryStream();
        await source.CopyToAsync(bytes, cancelled);
        return bytes.ToArray();
    }

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);
}
