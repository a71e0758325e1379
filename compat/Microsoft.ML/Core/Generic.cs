using System.Reflection;

namespace Microsoft.ML;

/// <summary>Calls a generic method with a type known only at run time: pass it closed over any type.</summary>
internal static class Generic
{
    public static TResult Call<T1, TResult>(Func<T1, TResult> method, Type type, T1 a) => (TResult)Invoke(method, type, a);
    public static TResult Call<T1, T2, TResult>(Func<T1, T2, TResult> method, Type type, T1 a, T2 b) => (TResult)Invoke(method, type, a, b);
    public static TResult Call<T1, T2, T3, TResult>(Func<T1, T2, T3, TResult> method, Type type, T1 a, T2 b, T3 c) => (TResult)Invoke(method, type, a, b, c);

    private static object Invoke(Delegate method, Type type, params object[] arguments)
        => method.Method.GetGenericMethodDefinition().MakeGenericMethod(type)
            .Invoke(method.Target, BindingFlags.DoNotWrapExceptions, null, arguments, null);
}
