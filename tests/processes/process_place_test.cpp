#include "iddpm/processes/process_place.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

using Variables = std::map<std::string, std::string>;

ProcessPlace place_with(const Variables& variables) {
  return process_place([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

const Variables of_torchrun = {
    {"RANK", "3"}, {"WORLD_SIZE", "4"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "node1"}, {"MASTER_PORT", "1234"}};

Variables changed(Variables variables, const std::string& name, const std::optional<std::string>& value) {
  if (value) {
    variables[name] = *value;
  } else {
    variables.erase(name);
  }
  return variables;
}

}  // namespace

TEST(ProcessPlace, WithoutALauncherAProcessIsAlone) {
  EXPECT_EQ(place_with({}).size, 1);
  EXPECT_EQ(place_with({{"MASTER_PORT", "1"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}).size, 1)
      << "a batch script is no task of a step";
}

TEST(ProcessPlace, TorchrunSaysWhoAndWhere) {
  const ProcessPlace place = place_with(of_torchrun);
  EXPECT_EQ(place.rank, 3);
  EXPECT_EQ(place.size, 4);
  EXPECT_EQ(place.local_rank, 1);
  EXPECT_EQ(place.address, "node1");
  EXPECT_EQ(place.port, 1234);
  EXPECT_EQ(place_with(changed(of_torchrun, "TORCHELASTIC_USE_AGENT_STORE", "True")).port, 1235)
      << "torchrun itself listens on the other";
}

TEST(ProcessPlace, MpirunAndSrunAreUnderstood) {
  const ProcessPlace open_mpi = place_with({{"OMPI_COMM_WORLD_RANK", "1"},
                                            {"OMPI_COMM_WORLD_SIZE", "2"},
                                            {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                            {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  EXPECT_EQ(open_mpi.rank, 1);
  EXPECT_EQ(open_mpi.address, "127.0.0.1") << "all are on this machine";
  const ProcessPlace hydra = place_with({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MASTER_ADDR", "a"}});
  EXPECT_EQ(hydra.size, 2);
  EXPECT_EQ(hydra.address, "a");
  const ProcessPlace slurm = place_with({{"SLURM_PROCID", "5"},
                                         {"SLURM_STEP_NUM_TASKS", "8"},
                                         {"SLURM_LOCALID", "1"},
                                         {"SLURM_STEP_NODELIST", "gpu[07-10]"}});
  EXPECT_EQ(slurm.rank, 5);
  EXPECT_EQ(slurm.address, "gpu07");
}

TEST(ProcessPlace, TorchrunWithinSrunCounts) {
  EXPECT_EQ(place_with(changed(changed(of_torchrun, "SLURM_PROCID", "0"), "SLURM_STEP_NUM_TASKS", "2")).rank, 3);
}

TEST(ProcessPlace, WhatIsHalfSetOrContradictsItselfIsRefused) {
  expect_error([] { place_with(changed(of_torchrun, "RANK", {})); }, {"WORLD_SIZE is set", "RANK is not"});
  expect_error([] { place_with(changed(of_torchrun, "WORLD_SIZE", {})); }, {"RANK is set", "WORLD_SIZE is not"});
  expect_error([] { place_with(changed(of_torchrun, "MASTER_ADDR", {})); }, {"MASTER_ADDR is missing"});
  expect_error([] { place_with(changed(of_torchrun, "RANK", "4")); }, {"RANK is 4", "WORLD_SIZE is 4", "0 to 3"});
  expect_error([] { place_with(changed(of_torchrun, "LOCAL_RANK", "4")); }, {"LOCAL_RANK is 4", "RANK is 3"});
  expect_error([] { place_with(changed(of_torchrun, "RANK", "x")); }, {"RANK", "got \"x\""});
  expect_error([] { place_with(changed(of_torchrun, "RANK", "")); }, {"RANK", "got \"\""});
  expect_error([] { place_with(changed(of_torchrun, "MASTER_PORT", "70000")); }, {"MASTER_PORT", "70000"});
  expect_error([] { place_with({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}); }, {"MASTER_ADDR is missing"});
}

TEST(ProcessPlace, TheFirstHostOfAList) {
  EXPECT_EQ(first_host("node[03-07,12],other"), "node03");
  EXPECT_EQ(first_host("node[5,7]"), "node5");
  EXPECT_EQ(first_host("a,b[1-2]"), "a");
  EXPECT_EQ(first_host("alone"), "alone");
  EXPECT_EQ(first_host(""), "");
}

TEST(ProcessPlace, SharesCoverAllRowsOnce) {
  for (const std::int64_t rows : {4, 7, 128}) {
    for (const std::int64_t size : {1, 2, 3, 4}) {
      std::int64_t next = 0;
      for (std::int64_t rank = 0; rank < size; ++rank) {
        const RowShare share = share_of(rows, rank, size);
        EXPECT_EQ(share.begin, next);
        EXPECT_GE(share.count, rows / size);
        EXPECT_LE(share.count, rows / size + 1);
        next += share.count;
      }
      EXPECT_EQ(next, rows);
    }
  }
}

}  // namespace iddpm
