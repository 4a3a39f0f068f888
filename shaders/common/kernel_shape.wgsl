// A kernel's cost c of the squared distance s: s itself (`square`, a Gaussian kernel) or its root (`distance`, a Laplacian one).
#axis SHAPE: square distance
