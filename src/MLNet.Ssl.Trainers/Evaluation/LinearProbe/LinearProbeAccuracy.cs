namespace MLNet.Ssl;

/// <summary>What one learning rate of a linear probe came to.</summary>
/// <param name="LearningRate">The rate, as the options give it.</param>
/// <param name="ScaledLearningRate">The rate that training began with: scaled by batch / 256 where the protocol
/// does.</param>
/// <param name="BatchSize">Rows of a step: the options' batch, or all rows where there are fewer.</param>
/// <param name="Epoch">Epochs that the kept weights were trained for, from 1.</param>
/// <param name="TrainingLoss">Mean cross-entropy over the last epoch's steps; NaN or large where the rate
/// diverged.</param>
/// <param name="Accuracy">Share of the validation rows whose class has the highest score, 0 to 1; NaN where there are
/// no validation rows.</param>
/// <param name="TopKAccuracy">Share of the validation rows whose class is among the
/// <paramref name="TopKPredictionCount"/> highest scores.</param>
/// <param name="TopKPredictionCount">5, or the number of classes where that is lower.</param>
public sealed record LinearProbeAccuracy(double LearningRate, double ScaledLearningRate, int BatchSize, int Epoch,
    double TrainingLoss,
    double Accuracy, double TopKAccuracy, int TopKPredictionCount);
