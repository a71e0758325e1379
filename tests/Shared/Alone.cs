namespace MLNet.Ssl.Tests;

/// <summary>Counts all tensors of the process, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;
