using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);

        /// <summary>A tree of named parameters, buffers and modules.</summary>
        public class Module : IDisposable
        {
            protected readonly string name;

            internal readonly OrderedDict<string, Parameter> OwnParameters = [];
            internal readonly OrderedDict<string, (Tensor Tensor, bool Persistent)> OwnBuffers = [];
            internal readonly OrderedDict<string, Module> OwnModules = [];
            private bool _training = true;

            protected Module(string name) => this.name = name;

            public bool training => _training;

            public virtual string GetName() => name;

            // ---- registration

            public virtual void register_parameter(string name, Parameter param)
            {
                CheckName(name);
                OwnParameters.Add(name, param);
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                CheckName(name);
                OwnBuffers.Add(name, (tensor, persistent));
            }

            public virtual void register_module(string name, Module submodule)
            {
                CheckName(name);
                OwnModules.Add(name, submodule);
            }

            public void add_module(string name, Module module) => register_module(name, module);

            private void CheckName(string name)
            {
                if (string.IsNullOrEmpty(name) || name.Contains('.'))
                    throw new ArgumentException($"'{name}' cannot name a component: it must not be empty or hold a dot");
                if (IsRegistered(name)) throw new ArgumentException($"module {GetName()} already has a component named '{name}'");
            }

            private bool IsRegistered(string name) => OwnParameters.ContainsKey(name) || OwnBuffers.ContainsKey(name) || OwnModules.ContainsKey(name);

            /// <summary>Registers every field that holds a module, a parameter or a tensor; fields registered before are left alone.</summary>
            protected virtual void RegisterComponents()
            {
                foreach (var field in Fields(GetType()))
                {
                    string component = field.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? field.Name;
                    object value = field.GetValue(this);
                    if (value is null || IsRegistered(component)) continue;
                    if (value is Module module && !OwnModules.Values.Contains(module)) register_module(component, module);
                    else if (value is Parameter parameter && !OwnParameters.Values.Contains(parameter, Same)) register_parameter(component, parameter);
                    else if (value is Tensor and not Modules.Parameter && !OwnBuffers.Values.Any(b => ReferenceEquals(b.Tensor, value)))
                        register_buffer(component, (Tensor)value);
                }
            }

            // Tensors compare by value; components by identity.
            private static IEqualityComparer<object> Same => System.Collections.Generic.ReferenceEqualityComparer.Instance;

            private static FieldInfo[] Fields(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                .Where(f => f.DeclaringType != typeof(Module)).ToArray();

            protected void ClearModules() => OwnModules.Clear();

            // ---- enumeration

            public virtual IEnumerable<(string name, Module module)> named_children() => OwnModules.Pairs.Select(m => (m.Item1, m.Item2));

            public virtual IEnumerable<Module> children() => named_children().Select(c => c.module);

            public virtual IEnumerable<(string name, Module module)> named_modules() =>
                named_children().SelectMany(c => c.module.named_modules().Select(m => ($"{c.name}.{m.name}", m.module)).Prepend(c));

            public virtual IEnumerable<Module> modules() => named_modules().Select(m => m.module);

            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<nint>();
                foreach (var (path, module) in Levels(recurse))
                    foreach (var (name, parameter) in module.OwnParameters)
                        if (parameter is not null && seen.Add(parameter.Handle)) yield return (path + name, parameter);
            }

            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var seen = new HashSet<nint>();
                foreach (var (path, module) in Levels(recurse))
                    foreach (var (name, (buffer, persistent)) in module.OwnBuffers)
                        if (buffer is not null && (persistent || include_nonpersistent) && seen.Add(buffer.Handle)) yield return (path + name, buffer);
            }

            private IEnumerable<(string Path, Module Module)> Levels(bool recurse) =>
                recurse ? named_modules().Select(m => (m.name + ".", m.module)).Prepend(("", this)) : [("", this)];

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                named_buffers(recurse, include_nonpersistent).Select(b => b.buffer);

            public virtual bool has_parameter(string target) => Find(target, (m, n) => m.OwnParameters.TryGetValue(n, out var p) ? p : null) is not null;

            public virtual Parameter get_parameter(string target) => (Parameter)Find(target, (m, n) => m.OwnParameters.TryGetValue(n, out var p) ? p : null);

            public virtual bool has_buffer(string target) => get_buffer(target) is not null;

            public virtual Tensor get_buffer(string target) => Find(target, (m, n) => m.OwnBuffers.TryGetValue(n, out var b) ? b.Tensor : null);

            private Tensor Find(string target, Func<Module, string, Tensor> own)
            {
                var path = target.Split('.');
                var module = this;
                foreach (string step in path[..^1])
                    if (!module.OwnModules.TryGetValue(step, out module)) return null;
                return own(module, path[^1]);
            }

            // ---- state

            /// <summary>Parameters, then persistent buffers: the live tensors, not copies.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor> destination = null, string prefix = null)
            {
                destination ??= [];
                string path = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
                foreach (var (name, parameter) in named_parameters()) destination.TryAdd(path + name, parameter);
                foreach (var (name, buffer) in named_buffers(include_nonpersistent: false)) destination.TryAdd(path + name, buffer);
                return destination;
            }

            /// <summary>Copies the values into this module's tensors.</summary>
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(
                Dictionary<string, Tensor> source, bool strict = true, IList<string> skip = null)
            {
                var target = state_dict();
                var missing = target.Keys.Where(k => !source.ContainsKey(k) && !Skips(skip, k)).ToList();
                var unexpected = source.Keys.Where(k => !target.ContainsKey(k) && !Skips(skip, k)).ToList();
                if (strict && missing.Count + unexpected.Count > 0)
                {
                    throw new InvalidOperationException(
                        "The loaded state_dict is not identical to the target dictionary: "
                        + $"missing [{string.Join(", ", missing)}], unexpected [{string.Join(", ", unexpected)}]");
                }
                using var guard = no_grad();
                foreach (var (name, tensor) in target)
                    if (!Skips(skip, name) && source.TryGetValue(name, out var value)) tensor.copy_(value).Dispose();
                return (missing, unexpected);
            }

            private static bool Skips(IList<string> skip, string name) => skip is not null && skip.Contains(name);

            // ---- modes

            public virtual void train(bool train = true)
            {
                _training = train;
                foreach (var child in children()) child.train(train);
            }

            public virtual void eval() => train(false);

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var parameter in parameters())
                {
                    using var grad = parameter.grad;
                    if (grad is null) continue;
                    if (set_to_none) parameter.grad = null;
                    else
                    {
                        using var guard = no_grad();
                        grad.detach_().Dispose();
                        grad.zero_().Dispose();
                    }
                }
            }

            public virtual Module apply(Action<Module> fn)
            {
                foreach (var child in children()) child.apply(fn);
                fn(this);
                return this;
            }

            // ---- moving

            protected virtual Module _to(Device device, ScalarType dtype, bool non_blocking) => Move(device, dtype, non_blocking);

            protected virtual Module _to(ScalarType dtype, bool non_blocking) => Move(null, dtype, non_blocking);

            protected virtual Module _to(
                DeviceType deviceType, int deviceIndex, bool non_blocking) =>
                Move(new Device(deviceType, deviceIndex), null, non_blocking);

            internal Module To(Device device, ScalarType? dtype, bool non_blocking) => (device, dtype) switch
            {
                (null, { } type) => _to(type, non_blocking),
                (_, null) => _to(device.type, device.index, non_blocking),
                (_, { } type) => _to(device, type, non_blocking),
            };

            // Parameters and buffers that change are replaced, in the registry and in the fields that hold them.
            private Module Move(Device device, ScalarType? dtype, bool non_blocking)
            {
                if (device is not null) InitializeDeviceType(device.type);
                foreach (var (_, child) in named_children()) child.To(device, dtype, non_blocking);
                using var guard = no_grad();
                foreach (var (name, old) in OwnParameters.Pairs)
                {
                    if (Moved(old, device, dtype, non_blocking) is not { } moved) continue;
                    bool requiresGrad = old.requires_grad;
                    using var grad = old.grad;
                    var replacement = (Parameter)new Parameter(moved, requiresGrad).DetachFromDisposeScope();
                    if (grad is not null)
                    {
                        using var movedGrad = Moved(grad, device, dtype, non_blocking);
                        replacement.grad = movedGrad ?? grad;
                    }
                    OwnParameters[name] = replacement;
                    Replace(old, replacement);
                }
                foreach (var (name, (old, persistent)) in OwnBuffers.Pairs)
                {
                    if (Moved(old, device, dtype, non_blocking) is not { } moved) continue;
                    OwnBuffers[name] = (moved.DetachFromDisposeScope(), persistent);
                    Replace(old, moved);
                }
                return this;
            }

            private static Tensor Moved(Tensor tensor, Device device, ScalarType? dtype, bool non_blocking)
            {
                if (tensor is null) return null;
                // Counters and index buffers keep their type, as in PyTorch.
                var type = dtype is { } wanted && !tensor.is_integral() ? wanted : tensor.dtype;
                device ??= tensor.device;
                return type == tensor.dtype && device.IsSame(tensor.device) ? null : tensor.to(type, device, non_blocking: non_blocking);
            }

            private void Replace(Tensor old, Tensor replacement)
            {
                for (var type = GetType(); type != typeof(Module); type = type.BaseType)
                    foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                        if (typeof(Tensor).IsAssignableFrom(field.FieldType) && ReferenceEquals(field.GetValue(this), old)) field.SetValue(this, replacement);
                old.Dispose();
            }

            // ---- files: TorchSharp's own format

            public Module save(string location, IList<string> skip = null)
            {
                using var stream = File.Create(location);
                return save(stream, skip);
            }

            /// <summary>Closes the stream, as the real library does.</summary>
            public Module save(Stream stream, IList<string> skip = null)
            {
                using var writer = new BinaryWriter(stream);
                return save(writer, skip);
            }

            public Module save(BinaryWriter writer, IList<string> skip = null)
            {
                save_state_dict(writer, state_dict(), skip);
                return this;
            }

            public static void save_state_dict(BinaryWriter writer, Dictionary<string, Tensor> sd, IList<string> skip = null)
            {
                var entries = sd.Where(e => !Skips(skip, e.Key)).ToList();
                writer.Write7BitEncodedInt64(entries.Count);
                foreach (var (name, tensor) in entries)
                {
                    writer.Write(name);
                    tensor.Save(writer);
                }
            }

            public virtual Module load(string location, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                if (!File.Exists(location)) throw new FileNotFoundException($"no model file {location}", location);
                return load(File.OpenRead(location), strict, skip, loadedParameters);
            }

            /// <summary>Closes the stream, as the real library does.</summary>
            public Module load(Stream stream, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                using var reader = new BinaryReader(stream);
                return load(reader, strict, skip, loadedParameters);
            }

            public virtual Module load(BinaryReader reader, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                var target = state_dict();
                long count = reader.Read7BitEncodedInt64();
                if (strict && skip is null && count != target.Count)
                    throw new ArgumentException($"Mismatched state_dict sizes: expected {target.Count}, but found {count} entries.");
                foreach (string name in target.Keys) loadedParameters?.TryAdd(name, false);
                using var guard = no_grad();
                for (long i = 0; i < count; i++)
                {
                    string name = reader.ReadString();
                    bool known = target.TryGetValue(name, out var tensor);
                    if (!known && strict)
                        throw new ArgumentException($"Mismatched module state names: the target modules does not have a submodule or buffer named '{name}'");
                    bool skipped = !known || Skips(skip, name);
                    TensorExtensionMethods.Load(tensor, reader, skipped);
                    if (loadedParameters is not null) loadedParameters[name] = !skipped;
                }
                return this;
            }

            // ---- end of life

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing) return;
                foreach (var (_, parameter) in OwnParameters) parameter?.Dispose();
                foreach (var (_, (buffer, _)) in OwnBuffers) buffer?.Dispose();
                foreach (var (_, module) in OwnModules) module.Dispose();
            }
        }
    }
}
