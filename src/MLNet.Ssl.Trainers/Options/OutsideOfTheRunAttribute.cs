namespace MLNet.Ssl.Options;

/// <summary>Marks options that do not change what a run learns, such as where it reports to: a resumed run may have others.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OutsideOfTheRunAttribute : Attribute;
