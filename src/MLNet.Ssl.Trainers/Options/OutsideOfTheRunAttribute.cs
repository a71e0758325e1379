namespace MLNet.Ssl.Options;

/// <summary>
/// Marks options that do not change what a run learns, such as where it reports to: a resumed run may have others, and
/// they are not kept with what was trained.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OutsideOfTheRunAttribute : Attribute;
