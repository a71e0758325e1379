using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public interface ILearningRateController
            {
                double LearningRate { get; set; }

                double InitialLearningRate { get; set; }
            }

            public interface IMomentum
            {
                double Momentum { get; set; }
            }

            public interface IBetas
            {
                (double, double) Betas { get; set; }
            }

            public abstract class Optimizer : IDisposable
            {
                protected IList<ParamGroup> _parameter_groups = [];

                private protected Optimizer() { }

                public IEnumerable<ILearningRateController> ParamGroups => _parameter_groups;

                public virtual IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(g => g.Parameters);

                /// <summary>Sets gradients to zero; they keep their tensors.</summary>
                public virtual void zero_grad()
                {
                    using var guard = no_grad();
                    using var scope = NewDisposeScope();
                    foreach (var parameter in parameters()) parameter.grad?.zero_();
                }

                public virtual Tensor step(Func<Tensor> closure = null) => closure?.Invoke();

                public virtual void add_param_group(ParamGroup param_group) => _parameter_groups.Add(param_group);

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing) => ReleaseState();

                private protected virtual void ReleaseState() { }
            }
        }
    }
}

namespace TorchSharp.Modules
{
    using static torch;
    using static torch.optim;

    public class OptimizerOptions
    {
        public double? LearningRate { get; set; }

        public double InitialLearningRate { get; set; }
    }

    public class ParamGroup : ILearningRateController
    {
        public IEnumerable<Parameter> Parameters { get; set; }

        public OptimizerOptions Options { get; set; }

        public double LearningRate
        {
            get => Options.LearningRate.Value;
            set => Options.LearningRate = value;
        }

        public double InitialLearningRate
        {
            get => Options.InitialLearningRate;
            set => Options.InitialLearningRate = value;
        }
    }

    public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
    {
        public ParamGroup() { }

        public ParamGroup(IEnumerable<Parameter> parameters, TOptions options = null)
        {
            Parameters = parameters;
            base.Options = options;
        }

        public new TOptions Options
        {
            get => (TOptions)base.Options;
            set => base.Options = value;
        }
    }

    /// <summary>An optimizer with parameter groups and a state for each parameter.</summary>
    public abstract class OptimizerHelper : Optimizer
    {
        private readonly Dictionary<nint, Tensor[]> _tensors = [];
        private readonly Dictionary<nint, long> _steps = [];

        private protected OptimizerHelper() { }

        private protected void AddGroup(ParamGroup group)
        {
            group.Parameters = [.. group.Parameters];
            group.Options.InitialLearningRate = group.LearningRate;
            _parameter_groups.Add(group);
        }

        /// <summary>Runs the closure with gradients, then the update of every parameter that has a gradient without them.</summary>
        private protected Tensor Update<TGroup>(Func<Tensor> closure, Action<TGroup, Parameter, Tensor> update) where TGroup : ParamGroup
        {
            Tensor loss = null;
            if (closure is not null)
            {
                using var grads = enable_grad();
                loss = closure();
            }
            using var guard = no_grad();
            using var scope = NewDisposeScope();
            foreach (var group in _parameter_groups)
                foreach (var parameter in group.Parameters)
                    if (parameter.grad is { } grad) update((TGroup)group, parameter, grad);
            return loss;
        }

        private protected long CountStep(Parameter parameter) => _steps[parameter.Handle] = _steps.GetValueOrDefault(parameter.Handle) + 1;

        /// <summary>The tensors kept for a parameter, made at its first update; no dispose scope owns them.</summary>
        private protected Tensor[] State(Parameter parameter, int count, Func<Tensor> create)
        {
            if (_tensors.TryGetValue(parameter.Handle, out var state)) return state;
            state = new Tensor[count];
            for (int i = 0; i < count; i++) state[i] = create().DetachFromDisposeScope();
            return _tensors[parameter.Handle] = state;
        }

        private protected override void ReleaseState()
        {
            foreach (var tensor in _tensors.Values.SelectMany(t => t)) tensor.Dispose();
            _tensors.Clear();
        }
    }
}
