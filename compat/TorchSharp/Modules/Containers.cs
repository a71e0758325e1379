using System.Collections;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>Modules applied one after the other; intermediate results are disposed unless autograd holds them.</summary>
    public class Sequential : Module<Tensor, Tensor>
    {
        protected internal Sequential(params (string name, Module<Tensor, Tensor> module)[] modules) : base(nameof(Sequential))
        {
            foreach (var (name, module) in modules) register_module(name, module);
        }

        protected internal Sequential(params Module<Tensor, Tensor>[] modules) : base(nameof(Sequential))
        {
            foreach (var module in modules) append(module);
        }

        public int Count => OwnModules.Count;

        public Sequential append(string name, IModule<Tensor, Tensor> module)
        {
            register_module(name, (Module)module);
            return this;
        }

        public Sequential append(IModule<Tensor, Tensor> module) => append(Count.ToString(), module);

        [System.Runtime.CompilerServices.IndexerName("SequentialItems")]
        public IModule<Tensor, Tensor> this[int index] => (IModule<Tensor, Tensor>)OwnModules[index].Item2;

        public override Tensor forward(Tensor tensor)
        {
            if (Count == 0) return tensor.alias();
            using var scope = NewDisposeScope();
            foreach (var (_, module) in OwnModules.Pairs) tensor = ((IModule<Tensor, Tensor>)module).call(tensor);
            return scope.MoveToOuter(tensor);
        }
    }

    /// <summary>Modules in a list, registered under their positions.</summary>
    public class ModuleList<T> : Module, IList<T> where T : Module
    {
        private readonly List<T> _list = [];

        public ModuleList(params T[] modules) : base("ModuleList")
        {
            _list.AddRange(modules);
            RegisterComponents();
        }

        protected override void RegisterComponents()
        {
            if (OwnModules.Count == _list.Count) return;
            OwnModules.Clear();
            for (int i = 0; i < _list.Count; i++) register_module(i.ToString(), _list[i]);
        }

        public T this[int index]
        {
            get => _list[index];
            set => Change(() => _list[index] = value);
        }

        public int Count => _list.Count;
        public bool IsReadOnly => false;
        public void Add(T item) => Change(() => _list.Add(item));
        public void append(params T[] parameters) => Change(() => _list.AddRange(parameters));
        public void extend(IEnumerable<T> modules) => Change(() => _list.AddRange(modules));
        public void Insert(int index, T item) => Change(() => _list.Insert(index, item));
        public void RemoveAt(int index) => Change(() => _list.RemoveAt(index));
        public void Clear() => Change(_list.Clear);

        public bool Remove(T item)
        {
            bool removed = false;
            Change(() => removed = _list.Remove(item));
            return removed;
        }

        public bool Contains(T item) => _list.Contains(item);
        public int IndexOf(T item) => _list.IndexOf(item);
        public void CopyTo(T[] array, int arrayIndex) => _list.CopyTo(array, arrayIndex);
        public IEnumerator<T> GetEnumerator() => _list.GetEnumerator();
        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        private void Change(Action change)
        {
            change();
            OwnModules.Clear();
            RegisterComponents();
        }
    }
}

namespace TorchSharp
{
    using Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static Sequential Sequential() => new(System.Array.Empty<Module<Tensor, Tensor>>());
            public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => new(modules);
            public static Sequential Sequential(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules) => new([.. modules]);
            public static Sequential Sequential(params Tuple<string, Module<Tensor, Tensor>>[] modules) => new([.. modules.Select(m => (m.Item1, m.Item2))]);
            public static Sequential Sequential(
                IEnumerable<Tuple<string, Module<Tensor, Tensor>>> modules) =>
                new([.. modules.Select(m => (m.Item1, m.Item2))]);
            public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => new(modules);
            public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules) => new(modules.ToArray());

            public static ModuleList<Module> ModuleList(params Module[] modules) => new(modules);
            public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
        }
    }
}
