namespace MLNet.Ssl;

/// <summary>What keeps DINO's teacher from giving all images the same prototypes.</summary>
public enum DinoCentering
{
    /// <summary>A moving average of the teacher's logits is subtracted from them, as DINO does (arXiv 2104.14294).
    /// It balances the prototypes over many steps, slowly.</summary>
    Mean,

    /// <summary>
    /// Sinkhorn–Knopp, as DINOv2 does (arXiv 2304.07193, after SwAV, arXiv 2006.09882): within every batch all
    /// prototypes get the same share. With it the samples of a batch meet.
    /// </summary>
    SinkhornKnopp,
}
