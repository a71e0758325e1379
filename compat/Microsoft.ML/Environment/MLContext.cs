using System.Collections.Concurrent;

namespace Microsoft.ML;

using Microsoft.ML.Runtime;

public sealed class MLContext : IHostEnvironment
{
    private readonly HostEnvironment _env;
    private readonly ConcurrentDictionary<string, object> _options = [];

    public MLContext(int? seed = null)
    {
        _env = new HostEnvironment(seed);
        _env.Message += (message, source) => Log?.Invoke(this, new LoggingEventArgs(message.Message, message.Kind, source));
        MulticlassClassification = new MulticlassClassificationCatalog(_env);
        Transforms = new TransformsCatalog(_env);
        Model = new ModelOperationsCatalog(_env);
        Data = new DataOperationsCatalog(_env);
    }

    public MulticlassClassificationCatalog MulticlassClassification { get; }
    public TransformsCatalog Transforms { get; }
    public ModelOperationsCatalog Model { get; }
    public DataOperationsCatalog Data { get; }
    public ComponentCatalog ComponentCatalog => _env.ComponentCatalog;

    public event EventHandler<LoggingEventArgs> Log;

    public string TempFilePath { get; set; } = Path.GetTempPath();
    public bool FallbackToCpu { get; set; }
    public int? GpuDeviceId { get; set; }

    public bool TryAddOption<T>(string name, T value) => _options.TryAdd(name, value);
    public void SetOption<T>(string name, T value) => _options[name] = value;
    public bool RemoveOption(string name) => _options.TryRemove(name, out _);
    public T GetOptionOrDefault<T>(string name) => TryGetOption(name, out T value) ? value : default;

    public bool TryGetOption<T>(string name, out T value)
    {
        var found = _options.TryGetValue(name, out var option);
        value = found ? (T)option : default;
        return found;
    }

    string IExceptionContext.ContextDescription => _env.ContextDescription;
    TException IExceptionContext.Process<TException>(TException ex) => _env.Process(ex);
    IHost IHostEnvironment.Register(string name, int? seed, bool? verbose) => _env.Register(name, seed, verbose);
    IChannel IChannelProvider.Start(string name) => _env.Start(name);
    IPipe<TMessage> IChannelProvider.StartPipe<TMessage>(string name) => _env.StartPipe<TMessage>(name);
    IProgressChannel IProgressChannelProvider.StartProgressChannel(string name) => _env.StartProgressChannel(name);
}
