using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace EmbeddingService;

/// <summary>
/// Metrics and traces of the service, beside those that ASP.NET Core has of requests. They go where
/// OTEL_EXPORTER_OTLP_ENDPOINT says, by OTLP; without it nowhere.
/// </summary>
internal static class ServiceTelemetry
{
    public const string Name = "EmbeddingService";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<int> BatchSize =
        Meter.CreateHistogram<int>("embedding.batch.size", "{image}", "Images embedded together.");

    private static readonly Histogram<double> Wait =
        Meter.CreateHistogram<double>("embedding.queue.wait", "s", "How long an image waited for its batch.");

    private static readonly Counter<long> Refusals =
        Meter.CreateCounter<long>("embedding.refused", "{request}", "Requests that got no embedding, by status.");

    public static void AddServiceTelemetry(this IServiceCollection services)
    {
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService(Name))
            .WithMetrics(metrics => metrics.AddMeter(Name).AddAspNetCoreInstrumentation())
            .WithTracing(traces => traces.AddSource(Name).AddAspNetCoreInstrumentation());
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")))
            telemetry.UseOtlpExporter();
    }

    /// <summary>A batch that is about to be embedded.</summary>
    public static Activity? Batch(IReadOnlyCollection<WaitingImage> images)
    {
        if (images.Count == 0) return null;
        BatchSize.Record(images.Count);
        foreach (var image in images) Wait.Record(Stopwatch.GetElapsedTime(image.Since).TotalSeconds);
        return Source.StartActivity("embed batch")?.SetTag("embedding.batch.size", images.Count);
    }

    public static void Refused(int status) =>
        Refusals.Add(1, new KeyValuePair<string, object?>("http.response.status_code", status));
}
