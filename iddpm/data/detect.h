#pragma once

#include <filesystem>
#include <string>

namespace iddpm {

/// Whether a folder holds image files of the MNIST family, by their names ("train-images-idx3-ubyte").
bool is_idx_folder(const std::filesystem::path& folder);
/// Whether a file is one of these by its name.
bool is_idx_file_name(const std::string& name);
/// Whether one of them is of the test split ("t10k-images-idx3-ubyte").
bool idx_folder_has_test_split(const std::filesystem::path& folder);

/// Whether a folder holds CIFAR-10 or CIFAR-100 binary files, by their names ("data_batch_1.bin", "train.bin").
bool is_cifar_folder(const std::filesystem::path& folder);
/// Whether test_batch.bin or test.bin is among them.
bool cifar_folder_has_test_split(const std::filesystem::path& folder);

/// Whether a folder holds zip or tar archives and no images or folders beside them, or two folders of such, one for
/// each split.
bool is_archive_folder(const std::filesystem::path& folder);
/// Whether a zip or tar archive holds an image file.
bool is_image_archive(const std::filesystem::path& path);
/// Whether archives of images hold two splits, apart in folders or within.
bool archives_have_test_split(const std::filesystem::path& path);

/// Whether an archive holds arrays of test images beside those for training ("x_train" and "x_test").
bool npz_has_test_split(const std::filesystem::path& path);

}  // namespace iddpm
