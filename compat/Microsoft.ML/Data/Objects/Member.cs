using System.Linq.Expressions;
using System.Reflection;

namespace Microsoft.ML;

/// <summary>Fast access to a field or property.</summary>
internal static class Member
{
    public static Func<TOwner, TValue> Reader<TOwner, TValue>(MemberInfo member)
    {
        var owner = Expression.Parameter(typeof(TOwner));
        return Expression.Lambda<Func<TOwner, TValue>>(Expression.MakeMemberAccess(owner, member), owner).Compile();
    }

    public static Action<TOwner, TValue> Writer<TOwner, TValue>(MemberInfo member)
    {
        var (owner, value) = (Expression.Parameter(typeof(TOwner)), Expression.Parameter(typeof(TValue)));
        return Expression.Lambda<Action<TOwner, TValue>>(Expression.Assign(Expression.MakeMemberAccess(owner, member), value), owner, value).Compile();
    }
}
