namespace MLNet.Ssl.Tests;

/// <summary>Tests that no other may run beside.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;
