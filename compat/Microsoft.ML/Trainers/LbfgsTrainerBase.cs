namespace Microsoft.ML.Trainers;

public abstract class LbfgsTrainerBase<TOptions, TTransformer, TModel> : TrainerEstimatorBase<TTransformer, TModel>
    where TOptions : LbfgsTrainerBase<TOptions, TTransformer, TModel>.OptionsBase, new()
    where TTransformer : ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    private protected LbfgsTrainerBase(TOptions options, SchemaShape.Column feature, SchemaShape.Column label, SchemaShape.Column weight)
        : base(feature, label, weight)
    {
        LbfgsOptions = options;
        Require(options.L1Regularization >= 0, nameof(options.L1Regularization), options.L1Regularization, "0 or more");
        Require(options.L2Regularization >= 0, nameof(options.L2Regularization), options.L2Regularization, "0 or more");
        Require(options.OptimizationTolerance > 0, nameof(options.OptimizationTolerance), options.OptimizationTolerance, "more than 0");
        Require(options.HistorySize > 0, nameof(options.HistorySize), options.HistorySize, "more than 0");
        Require(options.MaximumNumberOfIterations > 0, nameof(options.MaximumNumberOfIterations), options.MaximumNumberOfIterations, "more than 0");
        Require(options.NumberOfThreads is null or > 0, nameof(options.NumberOfThreads), options.NumberOfThreads, "null or more than 0");
    }

    public override TrainerInfo Info { get; } = new(needNormalization: true, wantCaching: true);

    private protected TOptions LbfgsOptions { get; }

    private static void Require(bool holds, string option, object value, string expected)
    {
        if (!holds) throw new ArgumentOutOfRangeException(option, value, $"{option} must be {expected}.");
    }

    public abstract class OptionsBase : TrainerInputBaseWithWeight
    {
        /// <summary>Factor of ½‖w‖², added once to the summed loss.</summary>
        public float L2Regularization = 1;

        /// <summary>Factor of |w|, added once to the summed loss.</summary>
        public float L1Regularization = 1;

        /// <summary>Smallest mean relative decrease of the objective that is worth another iteration.</summary>
        public float OptimizationTolerance = 1e-7f;

        /// <summary>Number of past steps that approximate the Hessian.</summary>
        public int HistorySize = 20;

        public int MaximumNumberOfIterations = int.MaxValue;

        /// <summary>Null: as many as there are processors. The result does not depend on it.</summary>
        public int? NumberOfThreads;

        /// <summary>Keeps the weights, not the biases, at 0 or above.</summary>
        public bool EnforceNonNegativity;

        protected OptionsBase()
        {
        }
    }
}
