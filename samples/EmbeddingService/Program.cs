// Loads a model and answers every uploaded image with its embedding: curl --data-binary @photo.jpg
// http://127.0.0.1:5080/embed
using System.CommandLine;
using EmbeddingService;
using Microsoft.Extensions.Hosting;

var defaults = new ServiceOptions();
var model = new Option<string?>("--model")
{
    Description = "A file that ssl.Model.Save wrote; without it, a small model learns from Fashion-MNIST first",
};
var port = new Option<int>("--port") { Description = "Port on the loopback address", DefaultValueFactory = _ => 5080 };
var host = new Option<string>("--host")
{
    Description = "Address to listen on; 0.0.0.0 for all that the machine has, behind a proxy that has TLS",
    DefaultValueFactory = _ => "127.0.0.1",
};
var batch = new Option<int>("--batch")
{
    Description = "Images embedded together at most; 1 for each alone",
    DefaultValueFactory = _ => defaults.BatchSize,
};
var upload = new Option<int>("--max-upload-mb")
{
    Description = "Largest upload in MB",
    DefaultValueFactory = _ => (int)(defaults.MaxUploadBytes >> 20),
};
var queue = new Option<int>("--queue")
{
    Description = "Images that may wait; more are told to come again",
    DefaultValueFactory = _ => defaults.QueueCapacity,
};
batch.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is < 1 or > 1024) result.AddError("--batch must be 1 to 1024.");
});
port.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is < 0 or > 65535) result.AddError("--port must be 0 to 65535.");
});
upload.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is < 1 or > 1024) result.AddError("--max-upload-mb must be 1 to 1024.");
});
queue.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is < 1 or > 100_000) result.AddError("--queue must be 1 to 100000.");
});

var command = new RootCommand(
    "A web service that embeds images. The environment variable EMBEDDING_SERVICE_KEY has a key that requests must "
    + "show.")
{
    model, host, port, batch, upload, queue,
};
command.Subcommands.Add(LoadTest.Command());
command.SetAction(async (options, cancelled) =>
{
    try
    {
        using var served = options.GetValue(model) is { } path ? ServedModel.Load(path) : ServedModel.Learn();
        await using var service = EmbeddingApp.Create(served, defaults with
        {
            Url = $"http://{options.GetValue(host)}:{options.GetValue(port)}",
            Key = Environment.GetEnvironmentVariable("EMBEDDING_SERVICE_KEY") is { Length: > 0 } key ? key : null,
            BatchSize = options.GetValue(batch),
            BatchDelay = options.GetValue(batch) == 1 ? TimeSpan.Zero : defaults.BatchDelay,
            MaxUploadBytes = (long)options.GetValue(upload) << 20,
            QueueCapacity = options.GetValue(queue),
        });
        await service.StartAsync(cancelled);
        Console.WriteLine($"{served.Description}\nPOST an image to {service.Urls.First()}/embed");
        await service.WaitForShutdownAsync(cancelled);
        return 0;
    }
    catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException
        or ArgumentException)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
});
return await command.Parse(args).InvokeAsync();
