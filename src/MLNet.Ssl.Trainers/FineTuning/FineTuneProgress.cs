namespace MLNet.Ssl;

/// <summary>The state of a run of fine-tuning or distillation.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Epoch">Epoch of the last step, from 1.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
/// <param name="Loss">Mean loss of the steps since the last report.</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
/// <param name="RowsPerSecond">Training speed since the last report.</param>
public sealed record FineTuneProgress(long Step, long TotalSteps, int Epoch, int Epochs, double Loss, double LearningRate, double RowsPerSecond);
