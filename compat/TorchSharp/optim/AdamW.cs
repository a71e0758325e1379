using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public class AdamW : OptimizerHelper, optim.IBetas
    {
        private readonly Options _defaults;

        public AdamW(
            IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999,
            double eps = 1e-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            : this([new ParamGroup(parameters, new Options())], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize) { }

        public AdamW(
            IEnumerable<ParamGroup> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999,
            double eps = 1e-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        {
            if (lr < 0 || eps < 0 || weight_decay < 0)
                throw new ArgumentException($"learning rate {lr}, eps {eps} and weight decay {weight_decay} must not be negative");
            if (beta1 is < 0 or >= 1 || beta2 is < 0 or >= 1) throw new ArgumentException($"the betas must lie in [0, 1), not {beta1} and {beta2}");
            _defaults = new Options
            {
                LearningRate = lr,
                beta1 = beta1,
                beta2 = beta2,
                eps = eps,
                weight_decay = weight_decay,
                amsgrad = amsgrad,
                maximize = maximize,
            };
            foreach (var group in parameters) add_param_group(group);
        }

        public (double, double) Betas
        {
            get => (_defaults.beta1.Value, _defaults.beta2.Value);
            set
            {
                (_defaults.beta1, _defaults.beta2) = value;
                foreach (var group in _parameter_groups) ((ParamGroup)group).Betas = value;
            }
        }

        public override void add_param_group(Modules.ParamGroup param_group)
        {
            var options = (Options)(param_group.Options ??= new Options());
            options.LearningRate ??= _defaults.LearningRate;
            options.beta1 ??= _defaults.beta1;
            options.beta2 ??= _defaults.beta2;
            options.eps ??= _defaults.eps;
            options.weight_decay ??= _defaults.weight_decay;
            options.amsgrad ??= _defaults.amsgrad;
            options.maximize ??= _defaults.maximize;
            AddGroup(param_group);
        }

        public override Tensor step(Func<Tensor> closure = null) => Update<ParamGroup>(closure, (group, parameter, grad) =>
        {
            var o = group.Options;
            var (lr, beta1, beta2, decay) = (o.LearningRate.Value, o.beta1.Value, o.beta2.Value, o.weight_decay.Value);
            long step = CountStep(parameter);
            var state = State(parameter, o.amsgrad.Value ? 3 : 2, () => parameter.zeros_like());
            var (mean, square) = (state[0], state[1]);
            if (o.maximize.Value) grad = -grad;
            if (decay != 0) parameter.mul_(1 - lr * decay);
            mean.mul_(beta1).add_(grad, 1 - beta1);
            square.mul_(beta2).addcmul_(grad, grad, 1 - beta2);
            if (o.amsgrad.Value) square = state[2].copy_(state[2].maximum(square));
            var denominator = (square.sqrt() / Math.Sqrt(1 - Math.Pow(beta2, step))).add_(o.eps.Value);
            parameter.addcdiv_(mean, denominator, -lr / (1 - Math.Pow(beta1, step)));
        });

        public class Options : OptimizerOptions
        {
            public double? beta1;
            public double? beta2;
            public double? eps;
            public double? weight_decay;
            public bool? amsgrad;
            public bool? maximize;
        }

        public class ParamGroup : ParamGroup<Options>, optim.IBetas
        {
            public ParamGroup() { }

            public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

            public ParamGroup(
                IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999,
                double eps = 1e-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                : base(parameters, new Options
                {
                    LearningRate = lr,
                    beta1 = beta1,
                    beta2 = beta2,
                    eps = eps,
                    weight_decay = weight_decay,
                    amsgrad = amsgrad,
                    maximize = maximize,
                })
            { }

            public (double, double) Betas
            {
                get => (Options.beta1.Value, Options.beta2.Value);
                set => (Options.beta1, Options.beta2) = value;
            }
        }
    }
}

namespace TorchSharp
{
    using Modules;

    public static partial class torch
    {
        public static partial class optim
        {
            public static AdamW AdamW(
                IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999,
                double eps = 1e-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static AdamW AdamW(
                IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999,
                double eps = 1e-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static AdamW AdamW(
                IEnumerable<AdamW.ParamGroup> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999,
                double eps = 1e-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
        }
    }
}
