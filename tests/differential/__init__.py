"""Random Sequential models, built, trained, saved and loaded by nnseq and by Keras."""
