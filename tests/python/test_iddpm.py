"""The Python module on libiddpm.so: run with PYTHONPATH=python IDDPM_LIBRARY=.../libiddpm.so, and a run's folder."""

import os
import signal
import sys
import threading
import unittest

import numpy

import iddpm

RUN = sys.argv.pop(1)


class ModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = iddpm.open(RUN, precision="float32", threads=1)
        cls.addClassCleanup(cls.model.close)

    def test_samples_are_bytes_of_the_models_size(self):
        images = self.model.sample(3, steps=4)
        self.assertEqual(images.shape, (3, *self.model.image_shape))
        self.assertEqual(images.dtype, numpy.uint8)
        self.assertGreater(images.std(), 0)

    def test_image_i_of_a_seed_is_always_the_same(self):
        images = self.model.sample(4, steps=3, seed=7, sampler="ddim", eta=0.5)
        alone = self.model.sample(1, first=3, steps=3, seed=7, sampler="ddim", eta=0.5, classes=self.classes_of(3))
        self.assertLessEqual(numpy.abs(images[3:].astype(int) - alone.astype(int)).max(), 1)
        self.assertTrue((images != self.model.sample(4, steps=3, seed=8, sampler="ddim", eta=0.5)).any())

    def classes_of(self, image):
        return [int(self.model.labels(image + 1)[image])] if self.model.classes else None

    def test_describes_itself(self):
        description = self.model.describe()
        self.assertEqual(description["model"]["network"]["image_height"], self.model.image_shape[0])
        self.assertEqual(description["precision"], "float32")

    def test_progress_is_told_with_previews(self):
        told = []
        self.model.sample(3, steps=2, batch=2, progress=told.append, preview=True)
        self.assertEqual([progress.done for progress in told], [2, 4, 5, 6])
        self.assertEqual(told[2].preview.shape, (1, *self.model.image_shape))

    def test_is_stopped_by_the_progress_function_and_keeps_what_is_finished(self):
        whole = self.model.sample(4, steps=2, batch=2)
        with self.assertRaises(iddpm.Interrupted) as caught:
            self.model.sample(4, steps=2, batch=2, progress=lambda progress: progress.done > 4)
        numpy.testing.assert_array_equal(caught.exception.images, whole[:2])

    def test_an_exception_of_the_progress_function_comes_out(self):
        def broken(_):
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            self.model.sample(1, steps=2, progress=broken)

    def test_control_c_stops_after_the_step(self):
        steps = []

        def press(progress):
            steps.append(progress.step)
            os.kill(os.getpid(), signal.SIGINT)

        with self.assertRaises(KeyboardInterrupt):
            self.model.sample(1, steps=5, progress=press)
        self.assertLess(len(steps), 5)
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_threads_sample_at_once(self):
        together = [None] * 3

        def work(i):
            together[i] = self.model.sample(2, steps=3, seed=i)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for i in range(3):
            numpy.testing.assert_array_equal(together[i], self.model.sample(2, steps=3, seed=i))

    def test_begins_at_images(self):
        begin = numpy.full((2, *self.model.input_shape), 128, numpy.uint8)
        images = self.model.sample_from(begin, 3, strength=0.2, steps=10, sampler="ddim")
        self.assertEqual(images.shape, (3, *self.model.image_shape))
        with self.assertRaisesRegex(ValueError, "expected uint8"):
            self.model.sample_from(begin.astype(float))

    def test_likelihood_of_each_image(self):
        images = self.model.sample(3, steps=3)
        labels = self.model.labels(3) if self.model.classes else None
        bits = self.model.likelihood(images, labels, steps=3)
        self.assertEqual(bits.shape, (3,))
        self.assertTrue(numpy.isfinite(bits).all() and (bits > 0).all())
        numpy.testing.assert_array_equal(bits, self.model.likelihood(images, labels, steps=3))

    def test_errors_say_what_and_of_which_kind(self):
        for refused, words in (
            (lambda: iddpm.open("/nowhere"), "nowhere doesn't exist"),
            (lambda: self.model.sample(0), "'count'"),
            (lambda: self.model.sample(1, stepps=3), "stepps"),
            (lambda: self.model.sample(1, sampler="guess"), "guess"),
        ):
            with self.assertRaisesRegex(iddpm.Error, words) as caught:
                refused()
            self.assertEqual(caught.exception.kind, "bad input")

    def test_a_closed_model_is_an_error(self):
        with iddpm.open(RUN) as model:
            pass
        model.close()
        with self.assertRaises(iddpm.Error) as caught:
            model.sample(1)
        self.assertEqual(caught.exception.kind, "no such model")

    def test_needs_no_torch(self):
        self.assertNotIn("torch", sys.modules)


if __name__ == "__main__":
    unittest.main()
