// Loads a model and answers every uploaded image with its embedding: curl --data-binary @photo.jpg
// http://127.0.0.1:5080/embed
using System.CommandLine;
using EmbeddingService;
using Microsoft.Extensions.Hosting;

var defaults = new ServiceOptions();
var model = new Option<string?>("--model")
{
    Description = "A file that ssl.Model.Save wrote; without it, a small model learns from drawn images first",
};
var port = new Option<int>("--port") { Description = "Port on the loopback address", DefaultValueFactory = _ => 5080 };
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

var command = new RootCommand("A web service that embeds images.") { model, port, upload, queue };
command.SetAction(async (options, cancelled) =>
{
    try
    {
        using var served = options.GetValue(model) is { } path ? ServedModel.Load(path) : ServedModel.Draw();
        await using var service = EmbeddingApp.Create(served, defaults with
        {
            Url = $"http://127.0.0.1:{options.GetValue(port)}",
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
