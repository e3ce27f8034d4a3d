#pragma once

#include <CLI/App.hpp>

namespace iddpm::cli {

/// Each adds its verb, options and help to the program.
void add_train(CLI::App& app);
void add_sample(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_train_features(CLI::App& app);
void add_train_classifier(CLI::App& app);
void add_respace(CLI::App& app);
void add_info(CLI::App& app);
void add_convert(CLI::App& app);
void add_figures(CLI::App& app);
void add_report(CLI::App& app);
void add_launch(CLI::App& app);
void add_benchmark(CLI::App& app);
void add_reproduce(CLI::App& app);

}  // namespace iddpm::cli
