namespace MLNet.Ssl;

/// <summary>A query and a database image that it is said to be a copy of.</summary>
/// <param name="Query">Number or row of the query.</param>
/// <param name="Database">Row of the database.</param>
/// <param name="Score">How sure the prediction is, comparable across queries; ignored in ground truth.</param>
public readonly record struct CopyMatch(int Query, int Database, float Score = 0);
