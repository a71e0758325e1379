namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        public bool requires_grad
        {
            get => Info.RequiresGrad != 0;
            set => Native.Check(Native.ts_set_requires_grad(Handle, value ? 1 : 0));
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        /// <summary>The accumulated gradient (a new wrapper each time) or null.</summary>
        public Tensor grad
        {
            get
            {
                nint result;
                Native.Check(Native.ts_grad(Handle, &result));
                GC.KeepAlive(this);
                return Wrap(result);
            }
            set
            {
                Native.Check(Native.ts_set_grad(Handle, value?.Handle ?? 0));
                GC.KeepAlive(value);
            }
        }

        public void retain_grad() => Native.Check(Native.ts_retain_grad(Handle));

        public void backward() => autograd.backward([this]);
    }

    public static unsafe class autograd
    {
        public static void backward(
            IList<Tensor> tensors, IList<Tensor> grad_tensors = null, bool? retain_graph = null, bool create_graph = false,
            IList<Tensor> inputs = null)
        {
            var (t, g, i) = (Handles(tensors), Handles(grad_tensors), Handles(inputs));
            fixed (nint* tp = t, gp = g, ip = i)
                Native.Check(Native.ts_backward(tp, t.Length, gp, g.Length, (retain_graph ?? create_graph) ? 1 : 0, create_graph ? 1 : 0, ip, i.Length));
            KeepAlive(tensors, grad_tensors, inputs);
        }

        public static void backward(
            Tensor tensor, IList<Tensor> grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        /// <summary>Gradients of the outputs by the inputs; null where unused inputs are allowed.</summary>
        public static IList<Tensor> grad(
            IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor> grad_outputs = null, bool retain_graph = false,
            bool create_graph = false, bool allow_unused = false)
        {
            var (o, i, g) = (Handles(outputs), Handles(inputs), Handles(grad_outputs));
            var results = new nint[i.Length];
            fixed (nint* op = o, ip = i, gp = g, rp = results)
            {
                Native.Check(Native.ts_autograd_grad(
                    op, o.Length, ip, i.Length, gp, g.Length, retain_graph || create_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, rp));
            }
            KeepAlive(outputs, inputs, grad_outputs);
            return Array.ConvertAll(results, Tensor.Wrap);
        }

        private static nint[] Handles(IList<Tensor> tensors) => tensors is null ? [] : [.. tensors.Select(t => t?.Handle ?? 0)];

        private static void KeepAlive(params IList<Tensor>[] lists) => GC.KeepAlive(lists);
    }

    public static IDisposable no_grad() => new GradMode(false);
    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);
    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);
    public static bool is_grad_enabled() => Native.ts_grad_enabled() != 0;
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);
    public static bool is_inference_mode_enabled() => Native.ts_inference_enabled() != 0;

    /// <summary>Sets the mode of this thread at once and restores the earlier one when disposed.</summary>
    private sealed class GradMode : IDisposable
    {
        private readonly int _previous = Native.ts_grad_enabled();

        internal GradMode(bool enabled) => Native.ts_set_grad_enabled(enabled ? 1 : 0);

        public void Dispose() => Native.ts_set_grad_enabled(_previous);
    }

    private sealed class InferenceMode(bool enabled) : IDisposable
    {
        private nint _guard = Native.ts_inference_enter(enabled ? 1 : 0);

        public void Dispose()
        {
            if (_guard != 0) Native.ts_inference_leave(_guard);
            _guard = 0;
        }
    }
}
