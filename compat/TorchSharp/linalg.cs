namespace TorchSharp;

public static partial class torch
{
    public static class linalg
    {
        public enum QRMode
        {
            Reduced = 0,
            Complete = 1,
            R = 2,
        }

        public static Tensor norm(Tensor input, long[] dims = null, bool keepdim = false) => Native.Call("linalg_norm", input, default(Arg), dims, keepdim);
        public static Tensor norm(Tensor input, double ord, long[] dims = null, bool keepdim = false) => Native.Call("linalg_norm", input, ord, dims, keepdim);
        public static Tensor norm(Tensor input, int ord, long[] dims = null, bool keepdim = false) => norm(input, (double)ord, dims, keepdim);
        public static Tensor norm(
            Tensor input, string ord, long[] dims = null, bool keepdim = false) =>
            Native.Call("linalg_norm.ord_str", input, ord, dims, keepdim);

        public static Tensor matrix_norm(Tensor input, double ord, long[] dims = null, bool keepdim = false) =>
            Native.Call("linalg_matrix_norm", input, ord, dims ?? [-2, -1], keepdim);

        public static Tensor matrix_norm(Tensor input, string ord = "fro", long[] dims = null, bool keepdim = false) =>
            Native.Call("linalg_matrix_norm.str_ord", input, ord, dims ?? [-2, -1], keepdim);

        public static (Tensor, Tensor, Tensor) svd(Tensor input, bool fullMatrices = true) => Native.Call3("linalg_svd", input, fullMatrices);
        public static Tensor svdvals(Tensor input) => Native.Call("linalg_svdvals", input);
        public static (Tensor, Tensor) eigh(Tensor input, char UPLO = 'L') => Native.Call2("linalg_eigh", input, UPLO.ToString());
        public static Tensor eigvalsh(Tensor input, char UPLO = 'L') => Native.Call("linalg_eigvalsh", input, UPLO.ToString());
        public static (Tensor, Tensor) qr(
            Tensor input, QRMode mode = QRMode.Reduced) =>
            Native.Call2("linalg_qr", input, mode == QRMode.R ? "r" : mode.ToString().ToLowerInvariant());
        public static Tensor cholesky(Tensor input) => Native.Call("linalg_cholesky", input);
        public static (Tensor, Tensor) slogdet(Tensor input) => Native.Call2("linalg_slogdet", input);
        public static Tensor det(Tensor input) => Native.Call("linalg_det", input);
        public static Tensor inv(Tensor input) => Native.Call("linalg_inv", input);

        public static Tensor pinv(Tensor input, double? atol = null, double? rtol = null, bool hermitian = false) =>
            Native.Call("linalg_pinv.atol_rtol_float", input, atol, rtol, hermitian);

        public static Tensor pinv(Tensor input, Tensor atol, Tensor rtol = null, bool hermitian = false) =>
            Native.Call("linalg_pinv.atol_rtol_tensor", input, atol, rtol, hermitian);

        public static Tensor matrix_rank(Tensor input, double? atol = null, double? rtol = null, bool hermitian = false) =>
            Native.Call("linalg_matrix_rank.atol_rtol_float", input, atol, rtol, hermitian);

        public static Tensor matrix_rank(Tensor input, Tensor atol, Tensor rtol = null, bool hermitian = false) =>
            Native.Call("linalg_matrix_rank.atol_rtol_tensor", input, atol, rtol, hermitian);

        public static Tensor solve(Tensor A, Tensor B, bool left = true) => Native.Call("linalg_solve", A, B, left);
        public static Tensor multi_dot(IList<Tensor> tensors) => Native.Call("linalg_multi_dot", List(tensors));
        public static Tensor matrix_exp(Tensor input) => Native.Call("linalg_matrix_exp", input);
    }
}
