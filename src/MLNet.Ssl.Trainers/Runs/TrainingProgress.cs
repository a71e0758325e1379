namespace MLNet.Ssl;

/// <summary>The state of a run: of pretraining, fine-tuning or distillation.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Epoch">Epoch of the last step, from 1.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
/// <param name="Loss">Mean loss of the steps since the last report.</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
/// <param name="RowsPerSecond">Training speed since the last report.</param>
/// <param name="DataWait">Share of the time since the last report that training waited for views, 0 to 1.</param>
/// <param name="Remaining">Estimated time to the end.</param>
/// <param name="EmbeddingStd">Mean standard deviation over the batch of the l2-normalised embeddings, times √D: about 1
/// when spread out, 0 when collapsed. Null where labels or a teacher train the network.</param>
/// <param name="TeacherEntropy">Mean entropy of the teacher's outputs as a share of ln K; null for methods without such
/// outputs.</param>
/// <param name="KnnAccuracy">Accuracy of a weighted kNN on held-out rows, 0 to 1 (<see cref="OnlineEvaluation"/>); null
/// where none was measured at this step.</param>
/// <param name="TeacherMomentum">Momentum m of the slow copy after the last step, θ' ← m·θ' + (1 − m)·θ;
/// null for methods without one.</param>
/// <param name="RankMe">Effective number of dimensions that the embeddings fill, from 1, when collapsed, to the smaller
/// of their width and 512 (Garrido et al., arXiv 2210.02885): of 512 training rows, in evaluation mode, at ends of
/// epochs. It needs no labels, and compares runs on the same data. Null where it was not measured at this step, and
/// where labels or a teacher train the network.</param>
/// <param name="Alignment">Mean squared distance of the l2-normalised embeddings of two views of a row, from 0 to 4
/// (Wang and Isola, arXiv 2005.10242); lower is better as long as <paramref name="Uniformity"/> does not rise. Null
/// likewise, and where views do not differ.</param>
/// <param name="Uniformity">Logarithm of the mean of exp(−2‖x − y‖²) over pairs of rows, from 0, when collapsed, to
/// about −4 (the same paper). Null likewise.</param>
/// <param name="ValidationAccuracy">Share of the validation images that the classifier names right,
/// 0 to 1, in fine-tuning and distillation (<see cref="ClassifierValidation"/>); null where none
/// was measured at this step.</param>
public sealed record TrainingProgress(
    long Step,
    long TotalSteps,
    int Epoch,
    int Epochs,
    double Loss,
    double LearningRate,
    double RowsPerSecond,
    double DataWait,
    TimeSpan Remaining,
    double? EmbeddingStd,
    double? TeacherEntropy,
    double? KnnAccuracy = null,
    double? TeacherMomentum = null,
    double? RankMe = null,
    double? Alignment = null,
    double? Uniformity = null,
    double? ValidationAccuracy = null);

/// <summary>A line for the log of a run.</summary>
/// <param name="IsWarning">True if something may have to be changed.</param>
/// <param name="Text">The line.</param>
public sealed record TrainingMessage(bool IsWarning, string Text);
