using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using MLNet.Ssl;

namespace EmbeddingService;

/// <summary>
/// POST /embed takes an image, as the body or as a file of a form, and gives its embedding. GET /health says that the
/// service is there, GET /ready whether it takes images, GET /openapi/v1.json what it is asked and answers.
/// </summary>
public static class EmbeddingApp
{
    private const string PerClient = "client";
    private const int Unavailable = StatusCodes.Status503ServiceUnavailable;

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
        // What came before it was told to stop is answered: the server waits for
        // requests, and stops before the batcher.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = 2 * options.Deadline);
        builder.Services.AddProblemDetails();
        builder.Services.AddOpenApi();
        builder.Services.AddServiceTelemetry();
        builder.Services.AddRateLimiter(limiter =>
        {
            limiter.AddPolicy(PerClient, context => RateLimitPartition.GetConcurrencyLimiter(
                context.Connection.RemoteIpAddress,
                _ => new() { PermitLimit = options.RequestsPerClient, QueueLimit = 0 }));
            limiter.OnRejected = (rejected, _) => new(Busy(
                rejected.HttpContext, StatusCodes.Status429TooManyRequests,
                "Too many requests of this client are under way")
                .ExecuteAsync(rejected.HttpContext));
        });

        var app = builder.Build();
        var held = new HeldBytes(options.HeldBytes);
        // An error that is not foreseen is told in the log alone, in a developer's environment too.
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = context => Problem(
                StatusCodes.Status500InternalServerError, "The service failed.").ExecuteAsync(context),
        });
        app.UseRateLimiter();
        app.MapOpenApi();
        app.MapPost("/embed", Task<IResult> (HttpContext context, CancellationToken _) =>
                EmbedAsync(context, batcher, held, options))
            .RequireRateLimiting(PerClient)
            .Accepts<byte[]>("image/*", "application/octet-stream", "multipart/form-data",
                "application/x-www-form-urlencoded")
            .Produces<Embedded>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status408RequestTimeout)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithSummary("Embeds an image: the body, or the first file of a form.");
        app.MapGet("/health", () => Results.Ok(new Health("ok", model.Description, batcher.QueueLength)))
            .Produces<Health>().WithSummary("Says that the service is there, and which model it serves.");
        app.MapGet("/ready", (HttpContext context, IHostApplicationLifetime lifetime) =>
                !lifetime.ApplicationStopping.IsCancellationRequested && batcher.IsReady
                    ? Results.Ok(new Health("ready", model.Description, batcher.QueueLength))
                    : Busy(context, StatusCodes.Status503ServiceUnavailable,
                        "The service takes no images at the moment"))
            .Produces<Health>().ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithSummary("Says whether images are taken at the moment.");
        return app;
    }

    private static async Task<IResult> EmbedAsync(
        HttpContext context, EmbeddingBatcher batcher, HeldBytes held, ServiceOptions options)
    {
        if (!ServiceKey.Opens(options.Key, context.Request))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return Problem(StatusCodes.Status401Unauthorized,
                "A key is needed: the header X-Api-Key, or a bearer token.");
        }
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(options.Deadline);
        if (!MayBeImage(context.Request))
            return Problem(StatusCodes.Status415UnsupportedMediaType,
                $"'{context.Request.ContentType}' is no image and no form.");
        UploadedImage image;
        HeldBytes.Body? body = null;
        try
        {
            body = await held.ReadAsync(context.Request.BodyReader, deadline.Token);
            if (body is null) return Busy(context, Unavailable, "Too many uploads are held");
            image = UploadedImage.Recognise(await FileOf(context.Request, body.ToArray()));
        }
        catch (BadHttpRequestException e)
        {
            body?.Dispose();
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
        if (batcher.TryEmbed(image, deadline) is not { } embedding)
            return Busy(context, Unavailable, "Too many images are waiting");
        try
        {
            var values = await embedding;
            return Results.Ok(new Embedded(values.Length, values));
        }
        catch (InvalidDataException e)
        {
            return Problem(StatusCodes.Status400BadRequest, $"The image cannot be read: {e.Message}");
        }
        catch (ArgumentException e)
        {
            return Problem(StatusCodes.Status400BadRequest, $"The model does not take the image: {e.Message}");
        }
        catch (OperationCanceledException)
        {
            return Busy(context, Unavailable, deadline.IsCancellationRequested
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

    /// <summary>The body, or the first file of the form that it is.</summary>
    private static async Task<byte[]> FileOf(HttpRequest request, byte[] body)
    {
        if (request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) != true)
            return body;
        request.Body = new MemoryStream(body);
        var form = await request.ReadFormAsync();
        if (form.Files.Count == 0) throw new InvalidDataException("the form has no file; expected one.");
        var bytes = new byte[form.Files[0].Length];
        await using var file = form.Files[0].OpenReadStream();
        await file.ReadExactlyAsync(bytes);
        return bytes;
    }

    private static IResult Busy(HttpContext context, int status, string reason)
    {
        context.Response.Headers.RetryAfter = "1";
        return Problem(status, $"{reason}; come again in a second.");
    }

    private static IResult Problem(int status, string detail)
    {
        ServiceTelemetry.Refused(status);
        return Results.Problem(detail, statusCode: status);
    }
}
